package poller_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
)

// late is a transport between a machine whose clock is off and the service.
type late struct {
	http.RoundTripper
	by func() time.Duration
}

func (l late) RoundTrip(r *http.Request) (*http.Response, error) {
	signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Sdk-Date"))
	if err != nil {
		return nil, err
	}
	served := time.Now().Add(l.by())
	resp := &http.Response{StatusCode: 200, Header: http.Header{"Date": {served.UTC().Format(http.TimeFormat)}}, Body: io.NopCloser(strings.NewReader(good)), Request: r}
	if served.Sub(signed).Abs() > 15*time.Minute {
		resp.StatusCode = 401
	}
	return resp, nil
}

func TestAClockThatIsOffIsCorrected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		off, requests := 2*time.Hour, 0
		key, err := credential.AccessKey(goodKey)
		require.NoError(t, err)
		p, err := poller.New("https://example.com", "project", poller.WithCredential(key), poller.WithHTTPClient(&http.Client{
			Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				requests++
				return late{by: func() time.Duration { return off }}.RoundTrip(r)
			}),
		}))
		require.NoError(t, err)
		status := func() int {
			_, err := p.Poll(t.Context(), jobID)
			if e, ok := err.(*poller.Error); ok {
				return e.StatusCode
			}
			require.NoError(t, err)
			return 200
		}
		time.Sleep(time.Hour)
		require.Equal(t, 200, status())
		require.Equal(t, 2, requests, "signed once more, by the service's clock")
		time.Sleep(time.Hour)
		require.Equal(t, 200, status())
		require.Equal(t, 3, requests, "and from then on")
		off = 0 // the clock has been corrected
		require.Equal(t, 200, status())
		require.Equal(t, 5, requests)
		off = -20 * time.Minute
		require.Equal(t, 200, status())
		require.Equal(t, 7, requests)
	})
}

// Two gateways' clocks differ: a rejection by one is none for the other's time.
func TestABadKeyIsNotSignedForeverIfTheGatewaysClocksDiffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		key, err := credential.AccessKey(goodKey)
		require.NoError(t, err)
		p, err := poller.New("https://example.com", "project", poller.WithCredential(key), poller.WithHTTPClient(&http.Client{
			Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				requests++
				date := time.Now().Add(time.Duration(requests) * time.Hour).UTC()
				return &http.Response{StatusCode: 401, Header: http.Header{"Date": {date.Format(http.TimeFormat)}}, Body: http.NoBody, Request: r}, nil
			}),
		}))
		require.NoError(t, err)
		var polls sync.WaitGroup
		for range 1000 {
			polls.Go(func() {
				_, err := p.Poll(t.Context(), jobID)
				assert.Equal(t, poller.Unauthorized, poller.Classify(err))
			})
		}
		polls.Wait()
		require.Equal(t, 2, requests)
	})
}

// The Date of each accepted response corrects the drift, so that none is rejected.
func TestAClockThatDriftsIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin, requests, rejected := time.Now(), 0, 0
		key, err := credential.AccessKey(goodKey)
		require.NoError(t, err)
		p, err := poller.New("https://example.com", "project", poller.WithCredential(key), poller.WithHTTPClient(&http.Client{
			Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				requests++
				resp, err := late{by: func() time.Duration { return time.Since(begin) / 10 }}.RoundTrip(r)
				if err == nil && resp.StatusCode == 401 {
					rejected++
				}
				return resp, err
			}),
		}))
		require.NoError(t, err)
		for range 100 {
			p.Poll(t.Context(), jobID)
			time.Sleep(10 * time.Minute)
		}
		require.Equal(t, 100, requests)
		require.Zero(t, rejected)
	})
}

// A Date that is far off is no reason to sign a bad key's request for ever.
func TestABadKeyWithABadClockIsTriedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		key, err := credential.AccessKey(goodKey)
		require.NoError(t, err)
		p, err := poller.New("https://example.com", "project", poller.WithCredential(key), poller.WithHTTPClient(&http.Client{
			Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				requests++
				return &http.Response{StatusCode: 401, Header: http.Header{"Date": {"Wed, 26 Jul 2023 09:34:00 GMT"}}, Body: http.NoBody, Request: r}, nil
			}),
		}))
		require.NoError(t, err)
		for range 3 {
			_, err = p.Poll(t.Context(), jobID)
			require.Equal(t, poller.Unauthorized, poller.Classify(err))
		}
		require.Equal(t, 2, requests)
	})
}

// A clock is blamed by the Date of the rejection, against what was signed, otherwise against now.
func TestARejectionSaysByHowMuchTheClockIsOff(t *testing.T) {
	const ahead, behind = "this machine's clock is 2h0m0s ahead of the service's: set it right", "this machine's clock is 2h0m0s behind the service's: set it right"
	for name, c := range map[string]struct {
		off      time.Duration // of the service's clock
		signedAt time.Duration // from now; 0 is not signed
		message  string
		says     string
		not      string
	}{
		"a token, behind":         {off: 2 * time.Hour, says: behind, not: "the credential was rejected"},
		"a token, ahead":          {off: -2 * time.Hour, says: ahead, not: "the credential was rejected"},
		"an expired token":        {off: 2 * time.Hour, message: "token expires", says: "the token has expired: get a new one; and " + behind},
		"a signature, behind":     {off: 2 * time.Hour, signedAt: time.Second, message: "verify aksk signature fail", says: "this machine's clock is 1h59m59s behind", not: "secret key"},
		"a corrected signature":   {off: 2 * time.Hour, signedAt: 2 * time.Hour, says: "the credential was rejected", not: "behind"},
		"a good clock":            {off: 10 * time.Minute, says: "the credential was rejected", not: "behind"},
		"a message, and the Date": {off: -2 * time.Hour, message: "signature expired", says: ahead},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, err := poller.New("https://example.com", "project", poller.WithCredential(signedAt(c.signedAt)), poller.WithHTTPClient(&http.Client{
					Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
						return &http.Response{
							StatusCode: 401, Header: http.Header{"Date": {time.Now().Add(c.off).UTC().Format(http.TimeFormat)}},
							Body: io.NopCloser(strings.NewReader(`{"error_code":"APIGW.0301","error_msg":"` + c.message + `"}`)), Request: r,
						}, nil
					}),
				}))
				require.NoError(t, err)
				_, err = p.Poll(t.Context(), jobID)
				require.ErrorContains(t, err, c.says)
				if c.not != "" {
					require.NotContains(t, err.Error(), c.not)
				}
				require.Equal(t, poller.Unauthorized, poller.Classify(err))
			})
		})
	}
}

// signedAt is a credential that dates its requests, and no Attempter.
type signedAt time.Duration

func (s signedAt) Authorize(_ context.Context, r *http.Request) error {
	if s != 0 {
		r.Header.Set("X-Sdk-Date", time.Now().Add(time.Duration(s)).UTC().Format("20060102T150405Z"))
	}
	return nil
}
