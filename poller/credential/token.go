package credential

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Token authorises with a project-scoped IAM token, sent as X-Auth-Token: what
// IAM answers in X-Subject-Token. It lives 24 hours and is never renewed: for a
// longer wait use [TokenFunc]. Authorize fails for good if the token is empty or
// can't be sent in a header.
func Token(token string) Credential {
	// In a closure no print or dump shows it.
	return fixed(func(r *http.Request) error { return set(r, token) })
}

type fixed func(*http.Request) error

func (f fixed) Authorize(_ context.Context, r *http.Request) error { return f(r) }

// TokenFunc authorises with the token that ask returns. It is asked for every
// request, by as many goroutines as poll, so it should keep a token until that
// nears its end; ctx is the poll's. A rejected token is asked for anew, and sent,
// once. An error of ask passes, unless it is an [*Error] that says otherwise; an
// empty or malformed token is permanent.
func TokenFunc(ask func(ctx context.Context) (string, error)) Credential {
	return &asked{ask}
}

type asked struct {
	ask func(context.Context) (string, error)
}

func (a *asked) Authorize(ctx context.Context, r *http.Request) error {
	if a.ask == nil {
		return permanent("TokenFunc was given a nil func: give it one that returns a token")
	}
	if err := ctx.Err(); err != nil {
		return &Error{Err: err}
	}
	token, err := a.ask(ctx)
	if err == nil {
		return set(r, token)
	}
	return whileAsking("a token", err)
}

// Rotates says that the next Authorize may send another token than the last:
// poller.Client looks for it after a rejection.
func (a *asked) Rotates() {}

func set(r *http.Request, token string) error {
	if strings.TrimSpace(token) == "" {
		return permanent("the token is empty: give the one that IAM answers in X-Subject-Token")
	}
	if err := sendable("token", token); err != nil {
		return err
	}
	r.Header.Set("X-Auth-Token", token)
	return nil
}

// sendable says what keeps a value out of a header. It never quotes it.
func sendable(name, value string) error {
	switch {
	case strings.HasSuffix(value, "\n"):
		return permanent("the " + name + " has a trailing newline: trim it")
	case strings.TrimSpace(value) != value:
		return permanent("the " + name + " has a space before or after it: trim it")
	case strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return permanent("the " + name + " has a control character in it, such as a newline: give it as it was issued, on one line")
	}
	return nil
}

// whileAsking is the error of a func that a user gave.
func whileAsking(what string, err error) error {
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	return &Error{Err: fmt.Errorf("asking for %s: %w", what, err)}
}

func permanent(text string) error {
	return &Error{Permanent: true, Err: errors.New(text)}
}
