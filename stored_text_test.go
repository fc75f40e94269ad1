package waiter_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// PostgreSQL stores no U+0000, neither in jsonb nor in text. Clients other than poller.Client hand
// on whatever the service sent.
func TestNoNULGetsIntoWhatIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		responses := []func() (poller.Reply, error){
			func() (poller.Reply, error) {
				return poller.Reply{}, errors.New("exit status 1: \x00\x00")
			},
			func() (poller.Reply, error) {
				return poller.Reply{RequestID: "9f\x003c", Job: status.Job{
					Type: "bind\x00ldap", Status: "running", SubJobs: []status.Job{{ID: "x\x00y", Status: "wai\x00ting", FailReason: "a\x00"}},
				}}, nil
			},
			func() (poller.Reply, error) {
				return poller.Reply{Job: status.Job{Status: "failed", ErrorCode: "E\x00", FailReason: "b\x00", EndTime: "\x00"}}, nil
			},
		}
		n := 0
		w := newWaiter(t, poller.Func(func(context.Context, string) (poller.Reply, error) { n++; return responses[n-1]() }),
			append(every(0), waiter.WithCheckpoints(func(_ context.Context, checkpoint status.Job, tr status.Transition) error {
				stored, err := json.Marshal([]any{checkpoint, tr})
				require.NoError(t, err)
				require.NotContains(t, string(stored), `\u0000`)
				return nil
			}))...)
		p := waiter.Progress{JobID: id}
		for !p.Done {
			p, _ = w.Step(t.Context(), p)
			stored, err := json.Marshal(p)
			require.NoError(t, err)
			require.NotContains(t, string(stored), `\u0000`)
			p = restart(t, p)
		}
		require.Equal(t, 3, n)
		require.Equal(t, "b\ufffd", p.Job.FailReason)
	})
}
