package credential_test

import (
	"context"
	"crypto/x509"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
)

const due = 24*time.Hour - 72*time.Minute // at the latest

// IAM hangs when a token that still lives is to be renewed.
func TestARenewalLeavesThePollTimeToUseTheOldToken(t *testing.T) {
	for timeout, took := range map[time.Duration]time.Duration{
		0: 2 * time.Second, time.Minute: 2 * time.Second, 3 * time.Second: time.Second, 150 * time.Millisecond: 50 * time.Millisecond,
	} {
		synctest.Test(t, func(t *testing.T) {
			s, c := iam(t)
			first := token(t, c)
			s.Fail(pollertest.Rule{Break: pollertest.Hang})
			time.Sleep(due)
			ctx := t.Context()
			if timeout > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, timeout)
				defer cancel()
			}
			start := time.Now()
			r := request(t)
			require.NoError(t, c.Authorize(ctx, r))
			require.Equal(t, first, r.Header.Get("X-Auth-Token"))
			require.Equal(t, took, time.Since(start), timeout)
			require.Equal(t, first, token(t, c))
			require.Equal(t, took, time.Since(start), "once a minute")
		})
	}
}

func TestTheOthersUseTheOldTokenWhileOneRenewsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := iam(t)
		first := token(t, c)
		s.Fail(pollertest.Rule{Delay: time.Second})
		time.Sleep(due)
		var polls sync.WaitGroup
		polls.Go(func() { token(t, c) })
		synctest.Wait()
		start := time.Now()
		require.Equal(t, first, token(t, c))
		require.Zero(t, time.Since(start))
		polls.Wait()
		require.NotEqual(t, first, token(t, c))
	})
}

// The pause after a failed renewal is for a token that lives.
func TestATokenThatIsRejectedAfterAFailedRenewalIsRenewedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := iam(t)
		first := token(t, c)
		time.Sleep(due)
		s.Fail(pollertest.Rule{Status: 503, Times: 1})
		require.Equal(t, first, token(t, c))
		time.Sleep(time.Second)
		require.NoError(t, c.Refresh(t.Context(), carrying(t, first)))
		require.NotEqual(t, first, token(t, c))
	})
}

// It may be granted while the program runs; a password is not tried again.
func TestAMissingPermissionIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := iam(t)
		s.Fail(pollertest.Rule{Status: 403, Times: 1})
		require.True(t, failure(t, c).Permanent)
		time.Sleep(time.Second)
		token(t, c)
	})
}

func TestACertificateOfIAMThatDoesNotVerifyIsPermanent(t *testing.T) {
	_, c := iam(t, through(func(*http.Request) (*http.Response, error) { return nil, x509.UnknownAuthorityError{} }))
	require.Equal(t, poller.Permanent, poller.Classify(failure(t, c)))
}

func TestAnEndlessResponseOfIAM(t *testing.T) {
	read := 0
	_, c := iam(t, through(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 500, Request: r, Body: io.NopCloser(readerFunc(func(p []byte) (int, error) {
			read += len(p)
			return copy(p, strings.Repeat("x", len(p))), nil
		}))}, nil
	}))
	require.ErrorContains(t, failure(t, c), "HTTP 500")
	require.LessOrEqual(t, read, 1<<20+512)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestAPasswordThatIsEchoedAsItWasSent(t *testing.T) {
	const odd = `p"w<secret>&word`
	_, c := iam(t, func(o *credential.PasswordOptions) { o.Password = odd }, through(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 400, Request: r, Header: http.Header{}, Body: io.NopCloser(io.MultiReader(
			strings.NewReader("<title>bad request: "), r.Body, strings.NewReader("</title>")))}, nil
	}))
	e := failure(t, c)
	require.ErrorContains(t, e, "[redacted]")
	require.NotContains(t, e.Error(), "0026word")
	require.NotContains(t, e.Error(), "u003csecret")
}
