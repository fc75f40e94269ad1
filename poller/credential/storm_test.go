package credential_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/wire/wiretest"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
)

// A password that is sent again and again locks its user.
func TestAPasswordIsSentAtMostTwiceOverHTTP2(t *testing.T) {
	endings := map[string]func(uint32) string{"the connection closes": func(uint32) string { return "" }}
	for name, code := range wiretest.ErrorCodes {
		endings["RST_STREAM "+name] = func(stream uint32) string { return wiretest.Reset(stream, code) }
		endings["GOAWAY 0 "+name] = func(uint32) string { return wiretest.Away(0, code) }
	}
	for name, ending := range endings {
		for _, once := range []bool{true, false} {
			s := wiretest.HTTP2(t, "", ending)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s.Transport.DisableKeepAlives = once // as the default client has it
				_, c := iam(t, func(o *credential.PasswordOptions) {
					o.IAMEndpoint, o.HTTPClient = s.URL, &http.Client{Transport: s.Transport}
				})
				e := failure(t, c)
				require.False(t, e.Permanent, e)
				require.Equal(t, poller.Passing, poller.Classify(e))
				require.ErrorContains(t, e, "no response from IAM at "+s.URL[len("https://"):]+": ")
				require.NotContains(t, e.Error(), "context canceled")
				require.LessOrEqual(t, s.Requests(), 2)
				if s.Requests() == 2 {
					require.ErrorContains(t, e, "the request was sent 2 times without a usable response")
				}
			})
		}
	}
}

func TestAPasswordIsSentOnceOverHTTP1(t *testing.T) {
	s := wiretest.HTTP1(t, func(int) string { return "" })
	_, c := iam(t, func(o *credential.PasswordOptions) {
		o.IAMEndpoint, o.HTTPClient = s.URL, &http.Client{Transport: s.Transport}
	})
	require.ErrorContains(t, failure(t, c), "no response from IAM at "+s.URL[len("http://"):]+": EOF")
	require.Equal(t, 1, s.Requests())
}
