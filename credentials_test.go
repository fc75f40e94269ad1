package waiter_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

const (
	plantedPassword  = "planted-password-7d793037a0760186574b0282f2f435e7"
	plantedAccessKey = "AKEXAMPLE0000000000"
	plantedSecretKey = "planted-secret-key-9e107d9d372bb6826bd81d3542a419d6"
	plantedSecurity  = "planted-security-token-e4d909c290d0fb1ca068ffaddf22cbd0"
)

// withPassword is a client in memory whose tokens come from the server itself.
func withPassword(t *testing.T, server *pollertest.Server) *poller.Client {
	t.Helper()
	t.Cleanup(server.Close)
	endpoint, client := server.Memory()
	c, err := credential.Password(credential.PasswordOptions{
		IAMEndpoint: endpoint, User: "user", Password: plantedPassword, Domain: "account", ProjectName: "cn-north-4", HTTPClient: client,
	})
	require.NoError(t, err)
	p, err := poller.New(endpoint, "a-project", poller.WithHTTPClient(client), poller.WithCredential(c))
	require.NoError(t, err)
	return p
}

func tokensIssued(s *pollertest.Server) (n int) {
	for _, r := range s.Requests() {
		if r.Call == pollertest.IssueToken {
			n++
		}
	}
	return n
}

func TestAWaitOfThirtyHoursTakesTwoTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := pollertest.New(pollertest.WithToken("none but its own"))
		server.Add(script(after(30*time.Hour, job(status.Success))))
		require.NoError(t, wait(t.Context(), t, newWaiter(t, withPassword(t, server))).err)
		require.Equal(t, 2, tokensIssued(server))
		for _, r := range server.Requests() {
			require.Contains(t, []int{200, 201}, r.Status, "no poll was ever rejected")
		}
	})
}

// The service's 401s arrive over seconds, as the polls share 64 connections; the new
// token is there after two.
func TestAThousandWaitsWhoseTokenIsRevokedTakeOneMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := pollertest.New(pollertest.WithToken("none but its own"))
		p := withPassword(t, server)
		server.Fail(pollertest.Rule{Call: pollertest.IssueToken, Delay: 2 * time.Second})
		server.Fail(pollertest.Rule{Call: pollertest.Poll, Delay: 500 * time.Millisecond})
		w := newWaiter(t, p, waiter.WithPollTimeout(0))
		var waits sync.WaitGroup
		for range 1000 {
			id := server.Add(pollertest.Script{Steps: []pollertest.Step{after(time.Minute, status.Job{Status: status.Success})}})
			waits.Go(func() {
				if _, err := w.Wait(t.Context(), id); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(30 * time.Second)
		require.Equal(t, 1, tokensIssued(server))
		server.RevokeTokens()
		waits.Wait()
		require.Equal(t, 2, tokensIssued(server))
		var rejected []time.Time
		for _, r := range server.Requests() {
			if r.Status == http.StatusUnauthorized {
				rejected = append(rejected, r.At)
			}
		}
		require.Greater(t, len(rejected), 100)
		require.Greater(t, rejected[len(rejected)-1].Sub(rejected[0]), 2*time.Second, "some after the renewal")
	})
}

func TestAClockThatIsOffIsLoggedOnce(t *testing.T) {
	for off, lines := range map[time.Duration]int{0: 0, 14 * time.Minute: 0, -15 * time.Minute: 1, 2 * time.Hour: 1} {
		synctest.Test(t, func(t *testing.T) {
			server := answers(job("running"), job("running"), job("success"))
			dated := poller.Poller(replies(func(ctx context.Context, id string) (poller.Reply, error) {
				reply, err := server.Poll(ctx, id)
				reply.ServerTime = time.Now().Add(-off)
				return reply, err
			}))
			core, logs := observer.New(zap.WarnLevel)
			w := newWaiter(t, dated, waiter.WithLogger(zap.New(core)))
			for range 2 {
				require.NoError(t, wait(t.Context(), t, w).err)
			}
			require.Len(t, logs.All(), lines, off)
			for _, line := range logs.All() {
				require.Equal(t, off, line.ContextMap()["ahead"])
			}
		})
	}
}

// replies is a Poller.
type replies func(context.Context, string) (poller.Reply, error)

func (f replies) Poll(ctx context.Context, id string) (poller.Reply, error) { return f(ctx, id) }

// IAM hangs from the second hour on: the token that it gave is good for a day.
func TestAPollIsNotLostToARenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := pollertest.New(pollertest.WithToken("none but its own"))
		p := withPassword(t, server)
		server.Add(script(after(23*time.Hour+50*time.Minute, status.Job{Status: status.Success})))
		server.Fail(pollertest.Rule{Call: pollertest.IssueToken, From: time.Hour, Break: pollertest.Hang})
		failed := 0
		trace := &waiter.Trace{PollEnd: func(_ context.Context, _ poller.Reply, err error) {
			if err != nil {
				failed++
			}
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		require.NoError(t, wait(ctx, t, newWaiter(t, p, waiter.WithTrace(trace), waiter.WithPollTimeout(5*time.Second))).err)
		require.Zero(t, failed)
		require.Greater(t, tokensIssued(server), 10, "it was asked, in vain")
	})
}
