package poller_test

import (
	"fmt"
	"net"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
)

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
