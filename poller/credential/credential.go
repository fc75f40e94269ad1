// Package credential authorizes requests: with a token, a user's password or an access
// key.
package credential

import (
	"context"
	"net/http"
)

// Credential authorizes requests. Implementations are safe for concurrent use.
type Credential interface {
	// Authorize adds to r what the service asks for. It is called for each attempt,
	// with a request that is about to be sent. ctx is the poll's. If trying again can't
	// help, the error is an [*Error] with Permanent set.
	Authorize(ctx context.Context, r *http.Request) error
}

// Refresher is a Credential that can be renewed when the service rejects it.
type Refresher interface {
	Credential
	// Refresh gets a new credential. If the current one is already newer than the one
	// that rejected carried, it returns at once: of many polls that are rejected
	// together, one renews.
	Refresh(ctx context.Context, rejected *http.Request) error
}

// Error says why a request could not be authorized. It holds no secret.
type Error struct {
	Permanent bool  // trying again can't help: a bad password, an empty token
	Rejected  bool  // the service rejected it before, so it was not sent again; Permanent too
	Err       error // never nil
}

func (e *Error) Error() string {
	if e == nil || e.Err == nil {
		return "credential: it cannot authorize requests, for a reason that it does not say"
	}
	return "credential: " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}
