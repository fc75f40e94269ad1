package credential

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"
)

// Token authorizes with a project-scoped IAM token, sent as X-Auth-Token: the one that
// IAM returns in X-Subject-Token. It lives 24 hours and is never renewed: for a longer
// wait use [TokenFunc]. If the token is empty or can't be sent in a header, Authorize
// fails with a Permanent [*Error].
func Token(token string) Credential {
	// No print or dump shows what is in a closure.
	return fixed(func(r *http.Request) error { return set(r, token) })
}

type fixed func(*http.Request) error

func (f fixed) Authorize(_ context.Context, r *http.Request) error { return f(r) }

// TokenFunc authorizes with the token that ask returns. It calls ask for each request,
// from as many goroutines as poll, so ask should cache a token until shortly before it
// expires; ctx is the poll's. It is an [Attempter]: after a rejection, ask is called
// once more and the request is sent again. An error of ask is passing, unless it is an
// [*Error] that says otherwise; an empty or malformed token is Permanent.
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

func (a *asked) Attempt(ctx context.Context, r *http.Request) (func(Feedback) (bool, error), error) {
	if err := a.Authorize(ctx, r); err != nil {
		return nil, err
	}
	return func(f Feedback) (bool, error) { return f.Result == Rejected && !f.Last, nil }, nil
}

func set(r *http.Request, token string) error {
	if strings.TrimSpace(token) == "" {
		return permanent("the token is empty: give the one that IAM returns in X-Subject-Token")
	}
	if err := sendable("token", token); err != nil {
		return err
	}
	r.Header.Set("X-Auth-Token", token)
	return nil
}

// sendable checks that a value can be sent in a header. The error never quotes it.
func sendable(name, value string) error {
	if err := visible(name, value); err != nil {
		return err
	}
	if strings.TrimSpace(value) != value {
		return permanent("the " + name + " has a space before or after it: trim it")
	}
	return nil
}

// visible checks that a value has nothing in it that editors and shells add unseen. The error never
// quotes it.
func visible(name, value string) error {
	switch line := strings.TrimRight(value, "\r\n"); {
	case strings.ContainsFunc(line, func(c rune) bool { return !unicode.IsPrint(c) }):
		return permanent("the " + name + " has a control character or an invisible character in it, such as a newline: give it as it was issued, on one line")
	case line != value:
		return permanent("the " + name + " has a trailing newline: trim it")
	}
	return nil
}

// whileAsking wraps the error of a func that the user gave.
func whileAsking(what string, err error) error {
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	return &Error{Err: fmt.Errorf("asking for %s: %w", what, err)}
}

func permanent(text string) error {
	return &Error{Permanent: true, Err: errors.New(text)}
}
