package poller_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
)

type broken struct{ text string }

func (e *broken) Error() string { return e.text }

// A RoundTripper may return anything.
func TestARoundTripperWithNothingInIt(t *testing.T) {
	for name, c := range map[string]struct {
		respond roundTrip
		text    string
	}{
		"a nil error of its own": {
			func(*http.Request) (*http.Response, error) { return nil, (*broken)(nil) },
			"no response from https://example.com, project project: an error without a text (*poller_test.broken)",
		},
		"a body that breaks off with one": {
			func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 200, Body: io.NopCloser(iotest.ErrReader((*broken)(nil)))}, nil
			},
			"HTTP 200 OK from https://example.com, project project: the response broke off: <nil>",
		},
		"an empty response": {
			func(*http.Request) (*http.Response, error) { return &http.Response{}, nil },
			"no response from https://example.com, project project: not a response to a request: check the endpoint and the proxies on the way",
		},
		"no header and no body": {
			func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 500, Request: &http.Request{}}, nil
			},
			"HTTP 500 Internal Server Error from https://example.com, project project",
		},
	} {
		_, err := client(t, "https://example.com", poller.WithHTTPClient(&http.Client{Transport: c.respond}), poller.WithCredential(credential.Token(token))).Poll(t.Context(), jobID)
		require.EqualError(t, err, c.text, name)
		require.Equal(t, poller.Passing, poller.Classify(err), name)
	}
}

// An error may come from outside, or be built by hand: none may make a wait panic.
func TestErrorsWithNothingInThem(t *testing.T) {
	for name, test := range map[string]struct {
		err     error
		verdict poller.Verdict
		kind    string
	}{
		"a nil Error":                   {(*poller.Error)(nil), poller.Passing, "other"},
		"a nil Error, wrapped":          {fmt.Errorf("x: %w", (*poller.Error)(nil)), poller.Passing, "other"},
		"an empty Error":                {&poller.Error{}, poller.Passing, "other"},
		"a nil credential error":        {(*credential.Error)(nil), poller.Passing, "other"},
		"a nil one, wrapped":            {fmt.Errorf("x: %w", (*credential.Error)(nil)), poller.Passing, "credential"},
		"an empty credential error":     {&credential.Error{}, poller.Passing, "credential"},
		"a nil url.Error":               {(*url.Error)(nil), poller.Passing, "other"},
		"an empty url.Error":            {&url.Error{}, poller.Passing, "network"},
		"an empty net.OpError":          {&net.OpError{}, poller.Passing, "network"},
		"an empty net.DNSError":         {&net.DNSError{}, poller.Passing, "network"},
		"an Error of an empty OpError":  {&poller.Error{Err: &net.OpError{}}, poller.Passing, "network"},
		"an Error of an empty URL":      {&poller.Error{Err: &url.Error{Err: &net.OpError{}}}, poller.Passing, "network"},
		"a permanent error without one": {&credential.Error{Permanent: true}, poller.Permanent, "credential"},
	} {
		t.Run(name, func(t *testing.T) {
			require.NotPanics(t, func() {
				require.Equal(t, test.verdict, poller.Classify(test.err))
				require.Equal(t, test.kind, poller.Kind(test.err))
				switch err := test.err.(type) {
				case *poller.Error:
					require.NotContains(t, err.Error(), "PANIC")
				case *credential.Error:
					require.NotEmpty(t, err.Error())
				}
			})
		})
	}
}
