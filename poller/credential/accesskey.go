package credential

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// AccessKeyOptions are the parts of [AccessKey]. Printing and encoding one shows
// no secret, unless it is in an unexported field of another type: fmt prints that as
// it is.
type AccessKeyOptions struct {
	AccessKey, SecretKey string
	SecurityToken        string // of a temporary key; sent as X-Security-Token
	ProjectID            string // sent as X-Project-Id; needed by a user who has several projects

	// Rotate returns the key to sign with, instead of the three above, which stay
	// empty. It is asked for every attempt, by as many goroutines as poll, so it
	// should keep a key until that is replaced; ctx is the poll's. An error passes,
	// and polling goes on, unless it is an [*Error] that says otherwise.
	Rotate func(ctx context.Context) (accessKey, secretKey, securityToken string, err error)
}

// AccessKey signs each attempt anew, as the guide "Signing API requests" of API
// Gateway has it (SDK-HMAC-SHA256): the date, and with it the project and the
// security token where given; without a project, the host. AccessKey fails if a
// part is missing or can't be sent in a header; there is no network in it.
//
// More than five failed signatures lock a key for five minutes, for everybody who
// uses it. So with [poller.Client] a key has one request under way until the first
// is accepted, or 15 s are over; and one that was rejected is not sent again, by
// whatever shares this Credential: Authorize fails with an [*Error] that has Rejected
// set. That is for good, even if the key was only locked: then make a new Credential.
//
// A signature is good for 15 minutes. If one is rejected, and the answer's Date
// shows that this machine's clock is off by as much, poller.Client has the request
// signed once more with the service's time, as are all that follow. Dates of accepted
// answers keep that up while a clock drifts.
//
// The last two need poller.Client, or whoever else tells the Credential what was
// answered: it knows the type that AccessKey returns, and would not know one of your
// own around it. Authorize alone signs.
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
		return nil, permanent("AccessKey was given a key, and Rotate to ask for one: leave out either")
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

type standing int

const (
	unproven  standing = iota
	corrected          // the time was, since; not accepted so far
	proven
	rejected
)

func (a *accessKey) Authorize(ctx context.Context, r *http.Request) error {
	k, err := a.key(ctx)
	if err != nil {
		return err
	}
	_, err = a.signed(r, k)
	return err
}

// Attempt is Authorize for a caller that tells what was answered, as poller.Client
// does: nil if there was no answer. Again reports that what was rejected is not what
// would be signed now.
func (a *accessKey) Attempt(ctx context.Context, r *http.Request) (answered func(*http.Response) (again bool), err error) {
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
	return func(resp *http.Response) bool {
		defer leave()
		return resp != nil && a.learn(k, date, offset, resp)
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
		return nil, &Error{Err: fmt.Errorf("waiting for the first answer to access key %s: %w", k.name(), ctx.Err())}
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

// isSettled reports whether it is known if the service accepts a key.
func (a *accessKey) isSettled(k key) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.known[k.digest] >= proven
}

// signed signs r by the service's clock, and returns what that is ahead of this
// machine's, as far as is known.
func (a *accessKey) signed(r *http.Request, k key) (offset time.Duration, err error) {
	a.mu.Lock()
	standing, offset := a.known[k.digest], a.offset
	a.mu.Unlock()
	if standing == rejected {
		return 0, &Error{Permanent: true, Rejected: true, Err: fmt.Errorf("access key %s was rejected before, and is not sent again, "+
			"since more than five failed signatures lock a key: check the key and its secret, or if others have locked it wait for five minutes, "+
			"then make a new credential", k.name())}
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

// A signature is good for 15 minutes: rejected with a clock that is off by nearly
// that, it is for the clock. Accepted, it was not off by more.
const (
	someSkew = 5 * time.Minute
	maxSkew  = 14 * time.Minute
)

// learn takes note of what was answered to a request that k signed at that date.
func (a *accessKey) learn(k key, date string, offset time.Duration, resp *http.Response) (again bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	skew := time.Duration(0)
	signed, _ := time.Parse(dateLayout, date)
	served, err := http.ParseTime(resp.Header.Get("Date"))
	if err == nil {
		skew = served.Sub(signed).Abs()
	}
	switch known := a.known[k.digest]; resp.StatusCode {
	case http.StatusUnauthorized:
		switch {
		case known == rejected:
			return a.rotates
		case offset != a.offset: // since then the time has been corrected
			return true
		case skew > maxSkew && known != corrected:
			a.offset, a.known[k.digest] = time.Until(served), corrected
			return true
		}
		a.known[k.digest] = rejected
		return a.rotates
	case http.StatusOK, http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound:
		if known == rejected { // an answer that comes late does not acquit
			return false
		}
		if len(a.known) >= manyKeys {
			maps.DeleteFunc(a.known, func(_ [sha256.Size]byte, s standing) bool { return s == proven })
		}
		a.known[k.digest] = proven
		if skew > someSkew && skew < maxSkew && offset == a.offset {
			a.offset = time.Until(served)
		}
	}
	return false
}

// manyKeys is how many a Credential whose key rotates remembers.
const manyKeys = 100
