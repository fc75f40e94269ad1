package follow

import (
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter/internal/wire"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
)

// failure is the stored form of what a poll failed with, beside its text: what errors.As and the
// functions of package poller find in it. A Poller's own types are lost.
type failure struct {
	Kind       string           `json:"kind,omitempty"`      // by poller.Kind
	Permanent  bool             `json:"permanent,omitempty"` // polling again cannot help, whatever the rest says
	Response   *response        `json:"response,omitempty"`
	Credential *credentialError `json:"credential,omitempty"`
}

type response struct {
	StatusCode int           `json:"status_code,omitempty"`
	Code       string        `json:"code,omitempty"`
	Message    string        `json:"message,omitempty"`
	RequestID  string        `json:"request_id,omitempty"`
	RetryAfter time.Duration `json:"retry_after,omitempty"`
	Err        string        `json:"error,omitempty"`
	Asked      string        `json:"asked,omitempty"`
}

type credentialError struct {
	Rejected  bool   `json:"rejected,omitempty"`
	Permanent bool   `json:"permanent,omitempty"`
	Err       string `json:"error,omitempty"`
}

// stored returns the stored form of an error; nil for nil.
func stored(err error) *failure {
	if err == nil {
		return nil
	}
	f := &failure{Kind: poller.Kind(err)}
	if e, ok := errors.AsType[*poller.Error](err); ok && e != nil {
		f.Response = &response{
			e.StatusCode, cut(e.Code), cut(e.Message), cut(e.RequestID), e.RetryAfter, TextOf(e.Err), cut(e.Asked),
		}
	}
	if e, ok := errors.AsType[*credential.Error](err); ok && e != nil {
		f.Credential = &credentialError{e.Rejected, e.Permanent, TextOf(e.Err)}
	}
	f.Permanent = poller.Classify(err) == poller.Permanent && poller.Classify(f.restore(TextOf(err))) != poller.Permanent
	return f
}

// restore returns an error with this text.
func (f *failure) restore(text string) error {
	e := restored{error: errors.New(text)}
	if f.Permanent {
		e.holds = append(e.holds, backoff.Permanent(e.error))
	}
	if c := f.Credential; c != nil {
		e.holds = append(e.holds, &credential.Error{Rejected: c.Rejected, Permanent: c.Permanent, Err: saying(c.Err)})
	}
	if r := f.Response; r != nil {
		e.holds = append(e.holds, &poller.Error{
			StatusCode: r.StatusCode, Code: r.Code, Message: r.Message, RequestID: r.RequestID,
			RetryAfter: r.RetryAfter, Err: saying(r.Err), Asked: r.Asked,
		})
	}
	if f.Kind == "network" || f.Kind == "timeout" {
		e.holds = append(e.holds, unreached{e.error, f.Kind == "timeout"})
	}
	return e
}

type restored struct {
	error
	holds []error
}

func (e restored) Unwrap() []error { return e.holds }

// unreached is a net.Error.
type unreached struct {
	error
	timeout bool
}

func (e unreached) Timeout() bool { return e.timeout }
func (unreached) Temporary() bool { return false }

// TextOf returns the text of an error as it can be stored; "" for nil. saying is its inverse.
func TextOf(err error) string {
	if err == nil {
		return ""
	}
	return cut(wire.Text(err))
}

// cut returns what is stored of a text from outside: as much as any report quotes. What an engine
// stores for a wait must stay small.
func cut(text string) string {
	if len(text) > maxStored {
		text = strings.ToValidUTF8(text[:maxStored], "")
	}
	return Storable(text)
}

const maxStored = wire.MaxText * utf8.UTFMax // bytes

func saying(text string) error {
	if text == "" {
		return nil
	}
	return errors.New(text)
}
