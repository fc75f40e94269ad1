package poller_test

import (
	"context"
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
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

const (
	accessKey = "AKEXAMPLE0000000000"
	secretKey = "SKEXAMPLEsecretsecretsecret00000"
)

// inMemory returns a service that knows the access key, with a job, and a client of
// it that signs with o.
func inMemory(t *testing.T, o credential.AccessKeyOptions, opts ...pollertest.Option) (*pollertest.Server, *poller.Client, string) {
	t.Helper()
	s := pollertest.New(append(opts, pollertest.WithAccessKey(accessKey, secretKey))...)
	t.Cleanup(s.Close)
	key, err := credential.AccessKey(o)
	require.NoError(t, err)
	endpoint, httpClient := s.Memory()
	p, err := poller.New(endpoint, "project", poller.WithHTTPClient(httpClient), poller.WithCredential(key))
	require.NoError(t, err)
	return s, p, s.Add(pollertest.Script{})
}

var goodKey = credential.AccessKeyOptions{AccessKey: accessKey, SecretKey: secretKey, ProjectID: "project"}

func TestSignedPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p, id := inMemory(t, goodKey)
		for range 3 {
			_, err := p.Poll(t.Context(), id)
			require.NoError(t, err)
			time.Sleep(time.Hour)
		}
	})
}

// Five bad signatures would lock the key, for every user of it.
func TestABadSecretIsSentOnceByManyPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := goodKey
		bad.SecretKey = "wrong"
		s, p, id := inMemory(t, bad)
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

		_, err := p.Poll(t.Context(), id)
		require.ErrorContains(t, err, "credential: access key AKEX... was rejected and is not sent again for 10m0s, because more than five failed signatures lock a key. "+
			"It was rejected with HTTP 401 Unauthorized from http://127.0.0.1, project project: APIGW.0301: ")
	})
}

// Whoever comes later learns why, too: a key that others have locked is no bad key.
func TestALaterPollSaysWhyTheKeyWasRejected(t *testing.T) {
	for message, want := range map[string]string{
		"AK access failed to reach the limit,forbidden":                                   "; the access key is locked for five minutes, because more than five signatures failed: wait, and find the program that signs with a wrong secret key",
		"signature expired, signature time:20230527T000000Z,server time:20230527T020000Z": "; this machine's clock is 2h0m0s behind the service's: set it right, for example with NTP",
		"Get secretKey failed,ak:x,err:ak not exist":                                      "; there is no such access key: check that it is spelled right, was not deleted, and belongs to this cloud",
	} {
		synctest.Test(t, func(t *testing.T) {
			s, p, id := inMemory(t, goodKey)
			s.Fail(pollertest.Rule{Status: 401, Message: message, Times: 1})
			_, err := p.Poll(t.Context(), id)
			require.True(t, strings.HasSuffix(err.Error(), want), err)
			time.Sleep(4 * time.Minute)
			_, err = p.Poll(t.Context(), id)
			require.ErrorContains(t, err, "credential: access key AKEX... was rejected and is not sent again for 6m0s, because more than five failed signatures lock a key. It was rejected with HTTP 401")
			require.True(t, strings.HasSuffix(err.Error(), want), err)
			require.Equal(t, poller.Unauthorized, poller.Classify(err))
			require.Equal(t, "credential", poller.Kind(err))
		})
	}
}

// The first request proves the key, and then there is no queue.
func TestAProvenKeyIsNotHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p, id := inMemory(t, goodKey)
		s.Fail(pollertest.Rule{Delay: time.Second})
		start := time.Now()
		var polls sync.WaitGroup
		for range 60 {
			polls.Go(func() {
				_, err := p.Poll(t.Context(), id)
				assert.NoError(t, err)
			})
		}
		polls.Wait()
		require.Equal(t, 2*time.Second, time.Since(start))
	})
}

func TestAPollThatWaitsForTheFirstResponseHasItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p, id := inMemory(t, goodKey)
		s.Fail(pollertest.Rule{Break: pollertest.Hang, Times: 1})
		first, cancelFirst := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancelFirst()
		var polls sync.WaitGroup
		polls.Go(func() {
			_, err := p.Poll(first, id)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		})
		synctest.Wait()
		second, cancelSecond := context.WithTimeout(t.Context(), time.Second)
		defer cancelSecond()
		_, err := p.Poll(second, id)
		require.EqualError(t, err, "credential: waiting for the first response to access key AKEX...: context deadline exceeded")
		require.Equal(t, poller.Passing, poller.Classify(err))
		_, err = p.Poll(t.Context(), id)
		require.NoError(t, err, "after the first has given up")
		polls.Wait()
	})
}

// Only the service itself knows whether it accepted a key: a gateway or a proxy in front
// of it responds to any request.
func TestOnlyWhatTheServiceSaysProvesAKey(t *testing.T) {
	const body = `{"errCode":"SFS.TURBO.9999"}`
	for name, c := range map[string]struct {
		rule   pollertest.Rule
		proves bool
	}{
		"a job":                           {pollertest.Rule{}, true},
		"no such job":                     {pollertest.Rule{Status: 404, Code: "SFS.TURBO.0019"}, true},
		"no permission":                   {pollertest.Rule{Status: 403, Code: "SFS.TURBO.9000"}, true},
		"an error of the service":         {pollertest.Rule{Status: 500, Raw: body}, true},
		"an error of the service, as 200": {pollertest.Rule{Raw: body}, true},
		"a 200 that is not a job":         {pollertest.Rule{Raw: "{}"}, false},
		"a sign-in page":                  {pollertest.Rule{Body: pollertest.HTML}, false},
		"a page of health":                {pollertest.Rule{Raw: `{"status":"UP"}`}, false},
		"another page of health":          {pollertest.Rule{Raw: `{"status":"ok","error_code":"0","sub_jobs":[]}`}, false},
		"a job without its id":            {pollertest.Rule{Raw: `{"status":"Running"}`}, true},
		"a job of an unknown status":      {pollertest.Rule{Edit: func(j *status.Job) { j.Status = "paused" }}, true},
		"another job":                     {pollertest.Rule{Raw: `{"job_id":"other","status":"running"}`}, false},
		"a gateway without the address":   {pollertest.Rule{Status: 404, Body: pollertest.Gateway}, false},
		"a gateway that forbids":          {pollertest.Rule{Status: 403, Body: pollertest.Gateway}, false},
		"a bad request without a code":    {pollertest.Rule{Status: 400, Raw: "{}"}, false},
		"a redirect":                      {pollertest.Rule{Status: 302}, false},
		"a proxy that wants a password":   {pollertest.Rule{Status: 407, Raw: "{}"}, false},
		"a gateway that throttles":        {pollertest.Rule{Status: 429, Body: pollertest.Gateway}, false},
		"a gateway without the service":   {pollertest.Rule{Status: 503, Body: pollertest.Gateway}, false},
		"a response that breaks off":      {pollertest.Rule{Break: pollertest.Reset}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, p, id := inMemory(t, goodKey)
				c.rule.Times = 1
				s.Fail(c.rule)
				s.Fail(pollertest.Rule{Delay: time.Second})
				p.Poll(t.Context(), id)
				start := time.Now()
				var polls sync.WaitGroup
				for range 2 {
					polls.Go(func() { p.Poll(t.Context(), id) })
				}
				polls.Wait()
				want := 2 * time.Second
				if c.proves {
					want = time.Second
				}
				require.Equal(t, want, time.Since(start))
			})
		})
	}
}

// A key that another program had locked must not stay dead.
func TestARejectedKeyIsTriedAgainAfterTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p, id := inMemory(t, goodKey)
		s.Fail(pollertest.Rule{Status: 401, Times: 2, Delay: time.Second})
		poll := func() error { _, err := p.Poll(t.Context(), id); return err }
		require.Equal(t, poller.Unauthorized, poller.Classify(poll()))
		time.Sleep(10*time.Minute - 1)
		require.Equal(t, "credential", poller.Kind(poll()))
		require.Len(t, s.Requests(), 1)
		time.Sleep(time.Nanosecond)
		var polls sync.WaitGroup
		for range 100 {
			polls.Go(func() { assert.Equal(t, poller.Unauthorized, poller.Classify(poll())) })
		}
		polls.Wait()
		require.Len(t, s.Requests(), 2, "once")
		time.Sleep(10 * time.Minute)
		require.NoError(t, poll())
	})
}

func TestARejectedKeyThatHasRotatedIsTriedOnceMore(t *testing.T) {
	for name, c := range map[string]struct {
		keys     []string
		requests int
		fails    bool
	}{
		"to a good one":    {[]string{"wrong", secretKey}, 2, false},
		"to another wrong": {[]string{"wrong", "wrong too", secretKey}, 2, true},
		"not":              {[]string{"wrong", "wrong", secretKey}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				s, p, id := inMemory(t, credential.AccessKeyOptions{Rotate: func(context.Context) (string, string, string, error) {
					asked++
					return accessKey, c.keys[min(asked, len(c.keys))-1], "", nil
				}})
				_, err := p.Poll(t.Context(), id)
				require.Len(t, s.Requests(), c.requests)
				if !c.fails {
					require.NoError(t, err)
					return
				}
				require.Equal(t, poller.Unauthorized, poller.Classify(err))
				require.Equal(t, "401", poller.Kind(err), "the service's own word")
				_, err = p.Poll(t.Context(), id)
				require.NoError(t, err, "once it has rotated to a good one")
			})
		})
	}
}

// A poll without a timeout that hangs.
func TestAPollThatHangsDelaysOthersFor15Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p, id := inMemory(t, goodKey)
		s.Fail(pollertest.Rule{Break: pollertest.Hang, Times: 1})
		ctx, cancel := context.WithCancel(t.Context())
		var polls sync.WaitGroup
		polls.Go(func() {
			_, err := p.Poll(ctx, id)
			assert.ErrorIs(t, err, context.Canceled)
		})
		synctest.Wait()
		start := time.Now()
		_, err := p.Poll(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, 15*time.Second, time.Since(start))
		cancel()
		polls.Wait()
		_, err = p.Poll(t.Context(), id)
		require.NoError(t, err)
	})
}

// The digest is of all three parts.
func TestARejectedTemporaryKeyWithANewSecurityTokenIsAnotherKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		token := "old"
		s := pollertest.New(pollertest.WithTemporaryKey(accessKey, secretKey, "new"))
		defer s.Close()
		key, err := credential.AccessKey(credential.AccessKeyOptions{Rotate: func(context.Context) (string, string, string, error) {
			return accessKey, secretKey, token, nil
		}})
		require.NoError(t, err)
		endpoint, httpClient := s.Memory()
		p, err := poller.New(endpoint, "project", poller.WithHTTPClient(httpClient), poller.WithCredential(key))
		require.NoError(t, err)
		id := s.Add(pollertest.Script{})
		_, err = p.Poll(t.Context(), id)
		require.Equal(t, poller.Unauthorized, poller.Classify(err))
		token = "new"
		_, err = p.Poll(t.Context(), id)
		require.NoError(t, err)
	})
}

// A request that was under way when the key was rejected, and is accepted.
func TestALateSuccessDoesNotClearARejection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p, id := inMemory(t, goodKey)
		_, err := p.Poll(t.Context(), id)
		require.NoError(t, err)
		s.Fail(pollertest.Rule{Call: pollertest.Poll, Times: 1, Delay: time.Minute})
		s.Fail(pollertest.Rule{Call: pollertest.Poll, Times: 1, Status: 401})
		var polls sync.WaitGroup
		polls.Go(func() {
			_, err := p.Poll(t.Context(), id)
			assert.NoError(t, err)
		})
		synctest.Wait()
		_, err = p.Poll(t.Context(), id)
		require.Equal(t, poller.Unauthorized, poller.Classify(err))
		polls.Wait()
		_, err = p.Poll(t.Context(), id)
		require.Equal(t, poller.Unauthorized, poller.Classify(err))
		require.Len(t, s.Requests(), 3)
	})
}

func TestATransportThatPanicsDelaysNoOtherPoll(t *testing.T) {
	key, err := credential.AccessKey(goodKey)
	require.NoError(t, err)
	p, err := poller.New("https://example.com", "project", poller.WithCredential(key), poller.WithHTTPClient(&http.Client{
		Transport: roundTrip(func(*http.Request) (*http.Response, error) { panic("a bug") }),
	}))
	require.NoError(t, err)
	for range 2 {
		require.PanicsWithValue(t, "a bug", func() { p.Poll(within(t, time.Second), jobID) })
	}
}
