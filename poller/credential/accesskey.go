package credential

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// AccessKeyOptions configure [AccessKey]. Printing them, or encoding them as JSON, XML or
// any other text, shows no secret, and encoding/gob fails. A dump by reflection alone shows
// all of them; and so does fmt if they are in an unexported field of another type.
type AccessKeyOptions struct {
	AccessKey, SecretKey string
	SecurityToken        string // of a temporary key; sent as X-Security-Token
	ProjectID            string // sent as X-Project-Id; needed by a user who has several projects

	// Rotate returns the key to sign with, instead of the three fields above, which must
	// be empty. It is called for each attempt, from as many goroutines as poll, so it
	// should cache a key until that is replaced; ctx is the poll's. An error is passing,
	// and polling goes on, unless it is an [*Error] that says otherwise.
	Rotate func(ctx context.Context) (accessKey, secretKey, securityToken string, err error)
}

// AccessKey signs each attempt, as the guide "Signing API requests" of API Gateway says
// (SDK-HMAC-SHA256). It signs the date, the project and the security token if they are
// given, and without a project the host. AccessKey fails if a part is missing or can't
// be sent in a header; it does not use the network.
//
// More than five failed signatures lock a key for five minutes, for all of its users. So
// AccessKey is an [Attempter], and with [poller.Client] it sends one request at a time
// until the service has accepted the key, or 15 s are over. A key that was rejected is
// not sent again by anything that shares this Credential: Authorize fails with an
// [*Error] that has Rejected set. After ten minutes, when a lock is over, one request
// tries the key again.
//
// A signature is good for 15 minutes. If one is rejected, and the response's Date shows
// that this machine's clock is off by more than 14 minutes, the request is signed once
// more with the service's time, and so are all later ones. The Date of accepted responses
// keeps that correction up to date while a clock drifts.
//
// Authorize alone only signs: without [Attempter.Attempt] nothing is learned from the
// responses.
//
// It is safe for concurrent use.
//
// [poller.Client]: https://pkg.go.dev/github.com/sfsturbo/waiter/poller#Client
func AccessKey(o AccessKeyOptions) (Credential, error) {
	rotates := o.Rotate != nil
	switch {
	case !rotates:
		fixed, err := newKey(o.AccessKey, o.SecretKey, o.SecurityToken)
		if err != nil {
			return nil, err
		}
		o.Rotate = func(context.Context) (string, string, string, error) {
			return fixed.access, fixed.secret, fixed.token, nil
		}
	case o.AccessKey != "" || o.SecretKey != "" || o.SecurityToken != "":
		return nil, permanent("AccessKey was given a key and also Rotate: leave one of them out")
	}
	if o.ProjectID != "" {
		if err := sendable("project id", o.ProjectID); err != nil {
			return nil, err
		}
	}
	return &accessKey{
		ask:     o.Rotate,
		rotates: rotates,
		project: o.ProjectID,
		turn:    make(chan struct{}, 1),
		known:   make(map[[sha256.Size]byte]standing),
	}, nil
}

// accessKey holds no secret itself, so that no print or dump shows one.
type accessKey struct {
	ask     func(context.Context) (access, secret, token string, err error)
	rotates bool
	project string
	turn    chan struct{} // full while a request with an unproven key is under way

	mu     sync.Mutex
	known  map[[sha256.Size]byte]standing // by a key's digest
	offset time.Duration                  // from this machine's clock to the service's
}

func (a *accessKey) Authorize(ctx context.Context, r *http.Request) error {
	k, err := a.key(ctx)
	if err != nil {
		return err
	}
	_, err = a.signed(r, k)
	return err
}

// Attempt implements [Attempter]. A rejected request is tried again if another key or
// another time would be signed now.
func (a *accessKey) Attempt(ctx context.Context, r *http.Request) (func(Feedback) (bool, error), error) {
	k, err := a.key(ctx)
	if err != nil {
		return nil, err
	}
	leave, err := a.enter(ctx, k)
	if err != nil {
		return nil, err
	}
	offset, err := a.signed(r, k)
	if err != nil {
		leave()
		return nil, err
	}
	date := r.Header.Get("X-Sdk-Date")
	return func(f Feedback) (bool, error) {
		defer leave()
		return a.learn(k, date, offset, f) && !f.Last, nil
	}, nil
}

func (a *accessKey) key(ctx context.Context) (key, error) {
	access, secret, token, err := a.ask(ctx)
	if err != nil {
		return key{}, whileAsking("an access key", err)
	}
	return newKey(access, secret, token)
}

// enter lets one request at a time through with a key that is not proven.
func (a *accessKey) enter(ctx context.Context, k key) (leave func(), err error) {
	if a.isSettled(k) {
		return func() {}, nil
	}
	select {
	case a.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, &Error{Err: fmt.Errorf("waiting for the first response to access key %s: %w", k.name(), ctx.Err())}
	}
	free := sync.OnceFunc(func() { <-a.turn })
	if a.isSettled(k) {
		free()
		return free, nil
	}
	late := time.AfterFunc(longestTurn, free) // a request without a timeout must not hold up all others
	return func() { late.Stop(); free() }, nil
}

const longestTurn = 15 * time.Second

// isSettled reports whether the service is known to accept or to reject a key.
func (a *accessKey) isSettled(k key) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.of(k).level >= proven
}

// signed signs r by the service's clock. It returns the offset that it added to this
// machine's clock, as far as that is known.
func (a *accessKey) signed(r *http.Request, k key) (offset time.Duration, err error) {
	a.mu.Lock()
	known, offset := a.of(k), a.offset
	a.mu.Unlock()
	if known.level == rejected {
		return 0, known.barred(k)
	}
	body, err := bodyOf(r)
	if err != nil {
		return 0, &Error{Err: fmt.Errorf("reading the body, to sign it: %w", err)}
	}
	headers := []string{"x-sdk-date"}
	r.Header.Del("X-Security-Token") // a former key's
	if k.token != "" {
		r.Header.Set("X-Security-Token", k.token)
		headers = append(headers, "x-security-token")
	}
	if a.project != "" {
		r.Header.Set("X-Project-Id", a.project)
	}
	if r.Header.Get("X-Project-Id") != "" {
		headers = append(headers, "x-project-id")
	} else {
		headers = append(headers, "host")
	}
	slices.Sort(headers)
	sign(r, body, k.access, k.secret, headers, time.Now().Add(offset))
	return offset, nil
}
