package credential

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// session shares one lease among all polls.
type session struct {
	issue func(context.Context) (grant, error)

	mu     sync.Mutex // never held while waiting for anything
	lease  lease
	flight chan struct{} // closed when the request in flight has ended; nil if none is
}

func (s *session) get(ctx context.Context) (string, error) {
	for {
		s.mu.Lock()
		todo, token, failure := s.lease.next(time.Now()), s.lease.token, s.lease.failure
		flight, mine := s.flight, false
		if flight == nil && (todo == renew || todo == ask) {
			s.flight, mine = make(chan struct{}), true
		}
		s.mu.Unlock()

		switch {
		case todo == use, todo == renew && !mine:
			return token, nil
		case todo == fail:
			return "", failure
		case mine && todo == renew:
			s.fetch(ctx, shortOf(ctx))
		case mine:
			s.fetch(ctx, issueTimeout)
		default:
			select {
			case <-flight:
			case <-ctx.Done():
			}
		}
		if err := ctx.Err(); err != nil {
			return "", &Error{Err: fmt.Errorf("waiting for a token from IAM: %w", err)}
		}
	}
}

const (
	issueTimeout = 10 * time.Second
	renewTimeout = 2 * time.Second
)

// shortOf returns how long a renewal may take. It is not urgent, and the poll that it
// delays must have time left to use the old token.
func shortOf(ctx context.Context) time.Duration {
	if end, ok := ctx.Deadline(); ok {
		return min(renewTimeout, time.Until(end)/3)
	}
	return renewTimeout
}

// fetch makes the one request that is in flight.
func (s *session) fetch(ctx context.Context, timeout time.Duration) {
	sent := time.Now()
	var got grant
	err := error(errAbandoned) // stays if issue panics
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if err == nil || ctx.Err() == nil { // the end of this poll's context says nothing about IAM
			s.lease.take(got, err, sent, time.Now(), rand.Float64()) //nolint:gosec // not for secrets
		}
		close(s.flight)
		s.flight = nil
	}()
	short, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	got, err = s.issue(short)
}

var errAbandoned = &Error{Err: errors.New("the request for a token was abandoned")}

func (s *session) renew(ctx context.Context, rejected string) error {
	s.mu.Lock()
	useless := s.lease.reject(rejected, time.Now())
	s.mu.Unlock()
	if useless {
		return &Error{Permanent: true, Rejected: true, Err: errors.New("a token that was issued less than a minute ago is rejected too: " +
			"check that the user may use this project and region")}
	}
	_, err := s.get(ctx)
	return err
}
