package credential

import (
	"context"
	"net/http"

	"github.com/sfsturbo/waiter/internal/baseurl"
)

// PasswordOptions are the parts of [Password]. Printing and encoding one shows no
// secret, unless it is in an unexported field of another type: fmt prints that as it
// is.
type PasswordOptions struct {
	IAMEndpoint    string // like "https://iam.cn-north-4.myhuaweicloud.com"; a /v3 at its end is left out
	User, Password string // of an IAM user
	Domain         string // the account that the user belongs to, by name
	// The project that the token is for: its name, such as "cn-north-4", or its id,
	// which goes before.
	ProjectName, ProjectID string
	// HTTPClient sends the requests for tokens; redirects are not followed. The
	// default takes the proxy from the environment, and keeps no connection.
	HTTPClient *http.Client
}

// Password authorises with a token that it gets from IAM for a user's name and
// password (POST /v3/auth/tokens), and keeps. It is a [Refresher]. The token is
// renewed when a tenth to a twentieth of its life is left, at random, so that many
// processes don't renew together; and when the service rejects it.
//
// One request is under way at a time, on the goroutine of a poll that needs the
// token: that poll's context bounds it, as do 10 s. The other polls wait for it, or
// use the old token; a renewal before that one's end has 2 s at most, and a third of
// what the poll has.
// While IAM can't be had, the old token is used for as long as it lives, and IAM is
// asked once a minute at most; without one, once a second; or as seldom as its
// Retry-After says, up to two minutes.
//
// Password fails if a part is missing; there is no network in it. Authorize and
// Refresh fail with an [*Error]: a Permanent one if IAM refuses, as it does a bad
// password, which is not sent again; else a passing one. A token that was renewed
// because of a rejection, and is rejected within a minute, is not renewed again:
// then Rejected is set.
//
// It is safe for concurrent use.
func Password(o PasswordOptions) (Credential, error) {
	endpoint, err := baseurl.Check("IAM endpoint", o.IAMEndpoint, "https://iam.cn-north-4.myhuaweicloud.com", false)
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
	s := &session{issue: newIAM(endpoint, o).issue}
	return password{s.get, s.renew}, nil
}

// password has funcs, where a pointer would have the secrets printed.
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
