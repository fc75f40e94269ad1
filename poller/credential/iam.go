package credential

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter/internal/wire"
)

const maxBody = 1 << 20 // bytes

// iam issues tokens.
type iam struct {
	endpoint string
	client   *http.Client
	PasswordOptions
}

func newIAM(endpoint string, o PasswordOptions) iam {
	client := http.Client{Transport: newTransport()}
	if o.HTTPClient != nil {
		client = *o.HTTPClient
	}
	if client.Transport == nil {
		client.Transport = http.DefaultTransport
	}
	client.Transport = wire.Unfollowed{RoundTripper: client.Transport}
	return iam{endpoint: endpoint, client: &client, PasswordOptions: o}
}

// newTransport returns a transport that keeps no connection: it is used once a day.
func newTransport() *http.Transport {
	t := wire.NewTransport()
	t.DisableKeepAlives = true
	return t
}

// issue requests a token. Source: the page "Obtaining a User Token Through Password
// Authentication" of the IAM API reference.
func (i iam) issue(ctx context.Context) (grant, error) {
	address := strings.TrimSuffix(i.endpoint, "/v3") + "/v3/auth/tokens?nocatalog=true"
	payload, err := i.request()
	if err != nil {
		return grant{}, &Error{Permanent: true, Err: err}
	}
	ctx, sends := wire.LimitSends(ctx, true)
	defer sends.Close()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(payload))
	if err != nil {
		return grant{}, &Error{Permanent: true, Err: err}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	resp, err := i.client.Do(r)
	if err != nil {
		err = wire.SendError(ctx, err)
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // leaves out the URL
		}
		_, refused := errors.AsType[*backoff.PermanentError](err) // by a proxy
		text := wire.Text(err)
		if redacted := wire.Redact(text, append(sends.Secrets(r, nil), i.Password)...); redacted != text {
			err = errors.New(redacted)
		}
		return grant{}, &Error{Permanent: refused, Err: noResponse(i.host(), err)}
	}
	defer resp.Body.Close()
	var body []byte
	if resp.StatusCode >= 200 { // the body of a 101 does not end with the request's context
		body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody))
	}
	return i.read(resp, body, err, append(sends.Secrets(r, resp), i.Password), time.Now())
}

func (i iam) request() ([]byte, error) {
	project := named{ID: i.ProjectID}
	if project.ID == "" {
		project.Name = i.ProjectName
	}
	var asked tokenRequest
	asked.Auth.Identity.Methods = []string{"password"}
	asked.Auth.Identity.Password.User = user{i.User, i.Password, named{Name: i.Domain}}
	asked.Auth.Scope.Project = project
	return json.Marshal(asked)
}

type tokenRequest struct {
	Auth struct {
		Identity struct {
			Methods  []string `json:"methods"`
			Password struct {
				User user `json:"user"`
			} `json:"password"`
		} `json:"identity"`
		Scope struct {
			Project named `json:"project"`
		} `json:"scope"`
	} `json:"auth"`
}

type user struct {
	Name     string `json:"name"`
	Password string `json:"password"`
	Domain   named  `json:"domain"`
}

type named struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// read turns a response into a grant or an *Error. It is pure.
func (i iam) read(resp *http.Response, body []byte, broken error, secrets []string, now time.Time) (grant, error) {
	date := wire.Date(resp.Header.Get("Date"))
	g := grant{
		token:      resp.Header.Get("X-Subject-Token"),
		retryAfter: wire.RetryAfter(resp.Header.Get("Retry-After"), date, now),
	}
	if resp.StatusCode != http.StatusCreated {
		g.refused = resp.StatusCode == http.StatusUnauthorized
		return g, i.refusal(resp, body, append(secrets, g.token))
	}
	if g.token == "" {
		return g, &Error{Err: errors.New("the response of IAM has no token: if this persists, check the IAM endpoint")}
	}
	var said struct {
		Token struct {
			Issued  time.Time `json:"issued_at"`
			Expires time.Time `json:"expires_at"`
		} `json:"token"`
	}
	// A token whose expiry is unknown is used until it is rejected.
	if broken == nil && json.Unmarshal(body, &said) == nil {
		// Both times are on the server's clock: this machine's may be hours off.
		g.life = said.Token.Expires.Sub(cmp.Or(date, said.Token.Issued, now))
	}
	return g, nil
}

// host is what errors call IAM. A transport of the user's may leave the response's request empty.
func (i iam) host() string {
	_, host, _ := strings.Cut(i.endpoint, "://")
	host, _, _ = strings.Cut(host, "/")
	return host
}

func (i iam) refusal(resp *http.Response, body []byte, secrets []string) error {
	said := wire.DecodeError(body, secrets...)
	status := strings.TrimSpace(fmt.Sprintf("HTTP %d %s", resp.StatusCode, http.StatusText(resp.StatusCode)))
	parts := []string{"IAM at " + i.host() + " responded with " + status, said.Code, said.Message}
	if resp.StatusCode/100 == 3 {
		parts[2] = wire.Redact(wire.PointsTo(resp), secrets...)
	}
	pointsTo := parts[2]
	text := strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ": ")
	if id := cmp.Or(wire.RequestID(resp.Header.Get("X-Request-Id"), secrets...), said.RequestID); id != "" {
		text += " (request id " + id + ")"
	}
	e := &Error{Permanent: true}
	switch s := resp.StatusCode; {
	case s == http.StatusUnauthorized:
		text += "; " + i.hintRefused(said.Message) + ". The next login waits ten minutes, because failed logins lock a user"
	case s == http.StatusForbidden:
		text += "; check that the user may use this project and has programmatic access: " + i.who()
	case s == http.StatusTooManyRequests:
		text += "; too many logins: share one credential among all waits, and log in less often in other programs"
		e.Permanent = false
	case s == http.StatusRequestTimeout, s == http.StatusTooEarly, s < 300, s >= 500:
		text += "; if this persists, check the IAM endpoint"
		e.Permanent = false
	case s < 400:
		text += "; " + wire.RedirectHint(s, pointsTo, "password", "IAM endpoint")
	default:
		text += "; check the IAM endpoint, and " + i.who()
	}
	e.Err = errors.New(text)
	return e
}

// hintRefused says what to do about a login that IAM has refused with that message.
func (i iam) hintRefused(message string) string {
	switch wire.WhyRefused(message) {
	case wire.Locked:
		return "the user is locked because of failed logins, for 15 minutes unless the account's policy says otherwise: wait without logging in, and find the program that logs in with a wrong password"
	case wire.Expired:
		return "the password has expired: set a new one"
	case wire.Disabled:
		return "the user is disabled: ask the account's administrator"
	}
	return "check the password, and " + i.who()
}

// who names what may be misspelled.
func (i iam) who() string {
	text := fmt.Sprintf("the user's name %q, the domain %q and the project %q", i.User, i.Domain, cmp.Or(i.ProjectID, i.ProjectName))
	return wire.Line(wire.Redact(text, i.Password), wire.MaxText)
}

func noResponse(host string, err error) error {
	if hint := wire.Unreached(err, "IAM endpoint"); hint != "" {
		return fmt.Errorf("no response from IAM at %s: %w; %s", host, err, hint)
	}
	return fmt.Errorf("no response from IAM at %s: %w", host, err)
}
