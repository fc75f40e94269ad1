package credential

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// AccessKeyOptions are the parts of [AccessKey]. Printing and encoding one shows
// no secret.
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
// is accepted, and one that was rejected is not sent again, by any wait that shares
// this Credential: Authorize fails with an [*Error] that has Rejected set.
//
// A signature is good for 15 minutes. If one is rejected, and the answer's Date
// shows that this machine's clock is off by more, the request is signed once more
// with the service's time, as are all that follow; again whenever that changes.
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
	unproven standing = iota
	proven
	rejected
)

func (a *accessKey) Authorize(ctx context.Context, r *http.Request) error {
	k, err := a.key(ctx)
	if err != nil {
		return err
	}
	return a.sign(r, k)
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
	if err := a.sign(r, k); err != nil {
		leave()
		return nil, err
	}
	signed := r.Header.Get("X-Sdk-Date")
	return func(resp *http.Response) bool {
		defer leave()
		return resp != nil && a.learn(k, signed, resp)
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
	if a.standing(k) != unproven {
		return func() {}, nil
	}
	select {
	case a.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, &Error{Err: fmt.Errorf("waiting for the first answer to access key %s: %w", k.name(), ctx.Err())}
	}
	leave = func() { <-a.turn }
	if a.standing(k) != unproven {
		leave()
		leave = func() {}
	}
	return leave, nil
}

func (a *accessKey) standing(k key) standing {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.known[k.digest]
}

func (a *accessKey) sign(r *http.Request, k key) error {
	a.mu.Lock()
	standing, offset := a.known[k.digest], a.offset
	a.mu.Unlock()
	if standing == rejected {
		return &Error{Permanent: true, Rejected: true, Err: fmt.Errorf("access key %s was rejected before, and is not sent again, "+
			"since more than five failed signatures lock a key: check the key and its secret, then make a new credential", k.name())}
	}
	body, err := bodyOf(r)
	if err != nil {
		return &Error{Err: fmt.Errorf("reading the body, to sign it: %w", err)}
	}
	headers := []string{"x-sdk-date"}
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
	return nil
}

// maxSkew is a minute less than a signature is good for.
const maxSkew = 14 * time.Minute

// learn takes note of what was answered to a request that k signed at that date.
func (a *accessKey) learn(k key, date string, resp *http.Response) (again bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		signed, _ := time.Parse(dateLayout, date)
		served, err := http.ParseTime(resp.Header.Get("Date"))
		if err == nil && served.Sub(signed).Abs() > maxSkew {
			a.offset = time.Until(served)
			delete(a.known, k.digest) // one at a time, until the new time is accepted
			return true
		}
		a.known[k.digest] = rejected
		return a.rotates
	case http.StatusOK, http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound:
		if a.known[k.digest] == unproven { // an answer that comes late does not acquit
			a.known[k.digest] = proven
		}
	}
	return false
}

// key is an access key with its secret.
type key struct {
	access, secret, token string
	digest                [sha256.Size]byte
}

func newKey(access, secret, token string) (key, error) {
	switch {
	case access == "" && secret == "":
		return key{}, permanent("the access key and its secret key are empty: the console has them under \"My Credentials\"")
	case access == "":
		return key{}, permanent("the access key is empty, its secret key is not")
	case secret == "":
		return key{}, permanent("the access key's secret key is empty")
	case strings.ContainsAny(access, ", ="):
		return key{}, permanent("the access key has a comma, a space or an equals sign in it: give it as the console shows it")
	}
	for _, part := range []struct{ name, value string }{
		{"access key", access}, {"secret key", secret}, {"security token", token},
	} {
		if err := sendable(part.name, part.value); err != nil {
			return key{}, err
		}
	}
	return key{access, secret, token, sha256.Sum256([]byte(access + "\n" + secret + "\n" + token))}, nil
}

// name is for errors: enough to tell which.
func (k key) name() string { return k.access[:min(4, len(k.access))] + "..." }
