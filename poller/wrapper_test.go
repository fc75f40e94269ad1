package poller_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
)

// wrapper is a user's own around an access key: it only passes Attempt on, and counts.
type wrapper struct {
	credential.Attempter
	results [3]atomic.Int32
}

func (w *wrapper) Attempt(ctx context.Context, r *http.Request) (func(credential.Feedback) (bool, error), error) {
	report, err := w.Attempter.Attempt(ctx, r)
	if err != nil {
		return nil, err
	}
	return func(f credential.Feedback) (bool, error) {
		w.results[f.Result].Add(1)
		return report(f)
	}, nil
}

func wrapped(t *testing.T, o credential.AccessKeyOptions, transport http.RoundTripper) (*poller.Client, *wrapper) {
	t.Helper()
	key, err := credential.AccessKey(o)
	require.NoError(t, err)
	w := &wrapper{Attempter: credential.AsAttempter(key)}
	p, err := poller.New("http://127.0.0.1", "project", poller.WithHTTPClient(&http.Client{Transport: transport}), poller.WithCredential(w))
	require.NoError(t, err)
	return p, w
}

func TestAWrapperKeepsTheLockProtection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pollertest.New(pollertest.WithAccessKey(accessKey, secretKey))
		defer s.Close()
		_, httpClient := s.Memory()
		id := s.Add(pollertest.Script{})
		bad := goodKey
		bad.SecretKey = "wrong"
		p, w := wrapped(t, bad, httpClient.Transport)
		s.Fail(pollertest.Rule{Delay: time.Second})
		var polls sync.WaitGroup
		for range 1000 {
			polls.Go(func() {
				_, err := p.Poll(t.Context(), id)
				assert.Equal(t, poller.Unauthorized, poller.Classify(err))
			})
		}
		polls.Wait()
		require.Len(t, s.Requests(), 1)
		require.EqualValues(t, 1, w.results[credential.Rejected].Load())
	})
}

func TestAWrapperKeepsTheClocksCorrection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		p, w := wrapped(t, goodKey, roundTrip(func(r *http.Request) (*http.Response, error) {
			requests++
			return late{by: func() time.Duration { return 2 * time.Hour }}.RoundTrip(r)
		}))
		for n := range 3 {
			_, err := p.Poll(t.Context(), jobID)
			require.NoError(t, err)
			require.Equal(t, 2+n, requests, "signed once more, and from then on by the service's clock")
		}
		require.EqualValues(t, 1, w.results[credential.Rejected].Load())
		require.EqualValues(t, 3, w.results[credential.Accepted].Load())
	})
}

// A report that breaks its contract does no harm to a good response.
func TestAReportThatIsWrong(t *testing.T) {
	for status, want := range map[int]int{200: 1, 404: 1, 401: 2} {
		requests := 0
		_, err := poll(t, func(w http.ResponseWriter, r *http.Request) {
			requests++
			answer(status, good)(w, r)
		}, poller.WithCredential(insistent{}))
		require.Equal(t, want, requests)
		require.Equal(t, status == 200, err == nil)
	}
}

type insistent struct{ credential.Credential }

func (insistent) Authorize(context.Context, *http.Request) error { return nil }

func (insistent) Attempt(context.Context, *http.Request) (func(credential.Feedback) (bool, error), error) {
	return func(credential.Feedback) (bool, error) { return true, nil }, nil
}
