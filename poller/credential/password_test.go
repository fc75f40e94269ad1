package credential_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
)

const hunter2 = "hunter2-is-the-password"

// iam returns a Password that asks a server in memory.
func iam(t *testing.T, edit ...func(*credential.PasswordOptions)) (*pollertest.Server, credential.Refresher) {
	t.Helper()
	s := pollertest.New()
	t.Cleanup(s.Close)
	endpoint, client := s.Memory()
	o := credential.PasswordOptions{
		IAMEndpoint: endpoint, User: "user", Password: hunter2, Domain: "account", ProjectName: "cn-north-4", HTTPClient: client,
	}
	for _, f := range edit {
		f(&o)
	}
	c, err := credential.Password(o)
	require.NoError(t, err)
	require.Implements(t, (*credential.Refresher)(nil), c)
	return s, c.(credential.Refresher)
}

// token returns what Authorize sends.
func token(t *testing.T, c credential.Credential) string {
	t.Helper()
	r := request(t)
	require.NoError(t, c.Authorize(t.Context(), r))
	return r.Header.Get("X-Auth-Token")
}

func failure(t *testing.T, c credential.Credential) *credential.Error {
	t.Helper()
	r := request(t)
	err := c.Authorize(t.Context(), r)
	require.Error(t, err)
	require.Empty(t, r.Header)
	e, ok := errors.AsType[*credential.Error](err)
	require.True(t, ok)
	require.NotContains(t, err.Error(), hunter2)
	return e
}

func carrying(t *testing.T, token string) *http.Request {
	t.Helper()
	r := request(t)
	r.Header.Set("X-Auth-Token", token)
	return r
}

func TestATokenIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := iam(t)
		first := token(t, c)
		require.NotEmpty(t, first)
		for range 100 {
			require.Equal(t, first, token(t, c))
		}
		require.Len(t, s.Requests(), 1)
		require.Equal(t, "/v3/auth/tokens", s.Requests()[0].Path)
	})
}

func TestATokenIsRenewedBeforeItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := iam(t)
		first := token(t, c)
		time.Sleep(24*time.Hour - 144*time.Minute - time.Second)
		require.Equal(t, first, token(t, c))
		time.Sleep(72*time.Minute + time.Second)
		require.NotEqual(t, first, token(t, c))
		require.Len(t, s.Requests(), 2)
	})
}

func TestTheOldTokenIsUsedWhileIAMIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := iam(t)
		first := token(t, c)
		s.Fail(pollertest.Rule{Call: pollertest.IssueToken, Status: 503, From: time.Hour, Until: 25 * time.Hour})
		time.Sleep(23*time.Hour + 59*time.Minute)
		for range 100 {
			require.Equal(t, first, token(t, c))
		}
		require.Len(t, s.Requests(), 2, "one was refused, and IAM is left alone for a moment")
		time.Sleep(time.Minute)
		require.False(t, failure(t, c).Permanent)
		time.Sleep(time.Hour)
		require.NotEqual(t, first, token(t, c))
	})
}

// One machine's clock is days ahead of IAM's.
func TestATokensLifeIsMeasuredOnIAMsClock(t *testing.T) {
	for name, iamTime := range map[string]time.Duration{"behind": -72 * time.Hour, "ahead": 72 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			s, c := iam(t)
			time.Sleep(100 * time.Hour)
			now := time.Now().Add(iamTime).UTC()
			s.Fail(pollertest.Rule{
				Call: pollertest.IssueToken, Status: 201, Raw: `{"token":{"expires_at":"` + now.Add(24*time.Hour).Format("2006-01-02T15:04:05.000000Z") + `"}}`,
				Header: http.Header{"Date": {now.Format(http.TimeFormat)}, "X-Subject-Token": {"a-token"}},
			})
			require.Equal(t, "a-token", token(t, c))
			time.Sleep(21 * time.Hour)
			require.Equal(t, "a-token", token(t, c))
			require.Len(t, s.Requests(), 1, name)
			time.Sleep(3 * time.Hour)
			token(t, c)
			require.Len(t, s.Requests(), 2, name)
		})
	}
}

func TestConcurrentPollsAskOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := iam(t)
		s.Fail(pollertest.Rule{Call: pollertest.IssueToken, Delay: 5 * time.Second})
		var polls sync.WaitGroup
		for range 1000 {
			polls.Go(func() { token(t, c) })
		}
		polls.Wait()
		require.Len(t, s.Requests(), 1)
	})
}

// The poll that asks gives up: another one asks, and none but the first fails.
func TestAPollThatEndsDoesNotFailOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := iam(t)
		s.Fail(pollertest.Rule{Call: pollertest.IssueToken, Delay: 5 * time.Second, Times: 1})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var polls sync.WaitGroup
		polls.Go(func() {
			err := c.Authorize(ctx, request(t)) //nolint:contextcheck // the request has none of its own
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.EqualError(t, err, "credential: waiting for a token from IAM: context deadline exceeded")
		})
		synctest.Wait()
		for range 10 {
			polls.Go(func() { token(t, c) })
		}
		polls.Wait()
		require.Len(t, s.Requests(), 2)
	})
}

func TestAPollThatWaitsForAnothersRequestKeepsItsOwnDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := iam(t)
		s.Fail(pollertest.Rule{Call: pollertest.IssueToken, Delay: 5 * time.Second})
		var first sync.WaitGroup
		first.Go(func() { token(t, c) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err := c.Authorize(ctx, request(t))
		require.Equal(t, time.Second, time.Since(start))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		first.Wait()
		require.Len(t, s.Requests(), 1)
	})
}

func TestARejectedTokenIsRenewedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := iam(t)
		first := token(t, c)
		s.Fail(pollertest.Rule{Call: pollertest.IssueToken, Delay: time.Second})
		var polls sync.WaitGroup
		for i := range 1000 {
			polls.Go(func() {
				time.Sleep(time.Duration(i) * 10 * time.Millisecond) // some arrive when the new one is there
				if err := c.Refresh(t.Context(), carrying(t, first)); err != nil {
					t.Error(err)
				}
			})
		}
		polls.Wait()
		require.Len(t, s.Requests(), 2)
		second := token(t, c)
		require.NotEqual(t, first, second)

		err := c.Refresh(t.Context(), carrying(t, second))
		e, ok := errors.AsType[*credential.Error](err)
		require.True(t, ok)
		require.True(t, e.Rejected && e.Permanent, "rejected too: to ask again is no use")
		time.Sleep(time.Minute)
		require.NoError(t, c.Refresh(t.Context(), carrying(t, second)))
		require.Len(t, s.Requests(), 3)
	})
}

func TestUnavailableIAMIsAskedOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := iam(t)
		s.Fail(pollertest.Rule{Status: 502, Body: pollertest.HTML})
		for range 100 {
			e := failure(t, c)
			require.False(t, e.Permanent)
			require.ErrorContains(t, e, "IAM at 127.0.0.1 responded with HTTP 502 Bad Gateway: ")
			time.Sleep(100 * time.Millisecond)
		}
		require.Len(t, s.Requests(), 10)
	})
}

func TestRetryAfterOfIAM(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := iam(t)
		s.Fail(pollertest.Rule{Status: 429, RetryAfter: "30", Times: 1})
		require.ErrorContains(t, failure(t, c), "HTTP 429")
		time.Sleep(30*time.Second - 1)
		require.ErrorContains(t, failure(t, c), "HTTP 429")
		time.Sleep(time.Nanosecond)
		token(t, c)
		require.Len(t, s.Requests(), 2)
	})
}

func TestABadPasswordIsSentOnceInTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := iam(t)
		s.Fail(pollertest.Rule{Status: 401, Body: pollertest.IAM, Message: "The username or password is wrong: " + hunter2})
		for range 10 {
			e := failure(t, c)
			require.True(t, e.Permanent)
			require.ErrorContains(t, e, "IAM at 127.0.0.1 responded with HTTP 401 Unauthorized: 401: The username or password is wrong: ")
			require.ErrorContains(t, e, "check the password, and the user's name")
			time.Sleep(time.Minute - 1)
		}
		require.Len(t, s.Requests(), 1, "failed logins lock a user")
		time.Sleep(10 * time.Nanosecond)
		failure(t, c)
		require.Len(t, s.Requests(), 2, "another program may have locked the user")
		require.True(t, failure(t, c).Permanent)
		require.Len(t, s.Requests(), 2)
	})
}
