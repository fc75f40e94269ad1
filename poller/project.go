package poller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter/poller/credential"
)

// project is one whose name is known, and whose id is asked for once.
type project struct {
	name string
	base string // of the jobs' URL
	list string // URL
	host string // of that
	turn chan struct{}
	id   atomic.Pointer[string]

	// Of the last look-up that failed, for whoever has the turn.
	failure error
	until   time.Time // returned as it is
}

type getter func(ctx context.Context, address, projectID string, decode func(body []byte, secrets []string) error) (Reply, error)

// find returns the id. One poll at a time asks for it; the others wait.
func (p *project) find(ctx context.Context, get getter) (string, error) {
	if id := p.id.Load(); id != nil {
		return *id, nil
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return "", fmt.Errorf("waiting for the id of project %q: %w", p.name, ctx.Err())
	}
	if id := p.id.Load(); id != nil {
		return *id, nil
	}
	if time.Now().Before(p.until) {
		return "", p.failure
	}
	var found string
	_, err := get(ctx, p.list, "", func(body []byte, _ []string) (err error) {
		found, err = p.decode(body)
		return err
	})
	if err == nil && found == "" {
		err = backoff.Permanent(errors.New("IAM knows none of that name: check it, and the region"))
	}
	if err != nil {
		err = p.failed(err)
		if ctx.Err() == nil { // that says nothing of IAM
			p.failure, p.until = err, time.Now().Add(pauseAfter(err))
		}
		return "", err
	}
	p.id.Store(&found)
	return found, nil
}

// decode returns the id of the project in a list, or "".
func (p *project) decode(body []byte) (string, error) {
	var list struct {
		Projects []struct{ ID, Name string }
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return "", fmt.Errorf("the answer is not a list of projects: %w", err)
	}
	for _, one := range list.Projects {
		if one.Name == p.name && checkSegment("id", one.ID) == nil {
			return one.ID, nil
		}
	}
	return "", nil
}

// pauseAfter is how long nobody asks again, so that a thousand waits don't.
func pauseAfter(err error) time.Duration {
	e, _ := errors.AsType[*Error](err)
	switch verdict := Classify(err); {
	case verdict == Permanent, verdict == Unauthorized:
		return time.Minute
	case e != nil:
		return min(max(time.Second, e.RetryAfter), 2*time.Minute)
	}
	return time.Second
}

// failed is an error of the look-up. It must not be taken for one of a job.
func (p *project) failed(err error) error {
	e, answered := errors.AsType[*Error](err)
	if !answered || is[*credential.Error](err) {
		err = fmt.Errorf("looking up project %q: %w", p.name, err)
	} else {
		err = lookUp{fmt.Sprintf("looking up project %q: IAM at %s answered %s", p.name, p.host, e.said()), e}
	}
	if verdict := Classify(err); verdict == NotFound || verdict == Permanent {
		err = fmt.Errorf("%w; check HW_AUTH_URL and what the user may do, or set HW_PROJECT_ID", err)
		return backoff.Permanent(err)
	}
	return err
}

// lookUp is an answer of IAM, without the hints that are for a job's.
type lookUp struct {
	text   string
	answer *Error
}

func (e lookUp) Error() string { return e.text }
func (e lookUp) Unwrap() error { return e.answer }
