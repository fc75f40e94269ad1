package credential

import (
	"context"
	"net/http"
	"os"

	"github.com/sfsturbo/waiter/internal/wire"
)

// PasswordOptions configure [Password]. Printing them, or encoding them as JSON, XML or
// any other text, shows no secret, and encoding/gob fails. A dump by reflection alone shows
// all of them; and so does fmt if they are in an unexported field of another type.
type PasswordOptions struct {
	IAMEndpoint    string // like "https://iam.cn-north-4.myhuaweicloud.com"; a trailing /v3 is dropped
	User, Password string // of an IAM user
	Domain         string // the account that the user belongs to, by name
	// The project that the token is for: its name, such as "cn-north-4", or its id. If
	// both are set, the id counts.
	ProjectName, ProjectID string
	// HTTPClient sends the requests for tokens; redirects are not followed. The default
	// uses the environment's proxy, gives a dial 10 s, and keeps no connection open.
	HTTPClient *http.Client
}

// Password authorizes with a token that it requests from IAM with a user's name and
// password (POST /v3/auth/tokens), and caches. It is a [Refresher]. The token is renewed
// when between a tenth and a twentieth of its life is left, at random, so that many
// processes do not renew at once; and when the service rejects it.
//
// One request is in flight at a time. It runs on the goroutine of a poll that needs the
// token, within that poll's context and within 10 s. The other polls wait for it, or use
// the old token as long as that is valid. A renewal of a token that is still valid gets
// at most 2 s, and at most a third of the time that the poll has left.
//
// While IAM is unavailable, a valid token stays in use and IAM is asked once a minute;
// without a valid token, once a second. A Retry-After makes that longer, up to two
// minutes.
//
// Password fails if a part is missing, or has a newline or an invisible character in it; it does
// not use the network. Authorize and Refresh
// fail with an [*Error]. It is Permanent if IAM refuses the request, or a proxy refuses to
// connect. A rejected password
// is not sent again for ten minutes, because failed logins lock a user. If a token was
// renewed because of a rejection and is itself rejected within a minute, it is not
// renewed again, and the error has Rejected set. Other errors are passing.
//
// It is safe for concurrent use.
func Password(o PasswordOptions) (Credential, error) {
	endpoint, err := wire.CheckBase("IAM endpoint", o.IAMEndpoint, "https://iam.cn-north-4.myhuaweicloud.com", false)
	if err != nil {
		return nil, &Error{Permanent: true, Err: err}
	}
	for _, part := range []struct{ name, value string }{
		{"user's name", o.User},
		{"password", o.Password},
		{"domain (the account's name)", o.Domain},
		{"project's name or id", o.ProjectName + o.ProjectID},
	} {
		if part.value == "" {
			return nil, permanent("the " + part.name + " is empty: IAM needs it for a token")
		}
	}
	for _, part := range []struct {
		name, value string
		check       func(name, value string) error
	}{
		{"user's name", o.User, sendable},
		{"password", o.Password, visible}, // it may begin or end with a space
		{"domain (the account's name)", o.Domain, sendable},
		{"project's name", o.ProjectName, sendable},
		{"project's id", o.ProjectID, sendable},
	} {
		if err := part.check(part.name, part.value); err != nil {
			return nil, err
		}
	}
	if o.HTTPClient == nil || o.HTTPClient.Transport == nil {
		if err := wire.CheckProxy(os.Getenv, endpoint); err != nil {
			return nil, &Error{Permanent: true, Err: err}
		}
	}
	s := &session{issue: newIAM(endpoint, o).issue}
	return password{s.get, s.renew}, nil
}

// password has funcs: a print or dump shows nothing of what they hold.
type password struct {
	get   func(context.Context) (token string, err error)
	renew func(ctx context.Context, rejected string) error
}

func (p password) Authorize(ctx context.Context, r *http.Request) error {
	token, err := p.get(ctx)
	if err != nil {
		return err
	}
	return set(r, token)
}

func (p password) Refresh(ctx context.Context, rejected *http.Request) error {
	return p.renew(ctx, rejected.Header.Get("X-Auth-Token"))
}
