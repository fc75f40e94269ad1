package waiter_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/status"
)

// What users store must be read by the next version too: testdata/stored.golden has each form, and
// a key that is renamed breaks it.
func TestStored(t *testing.T) {
	var golden strings.Builder
	write := func(what string, v any) {
		data, err := json.MarshalIndent(v, "", "  ")
		require.NoError(t, err)
		golden.WriteString("# " + what + "\n" + string(data) + "\n\n")
	}
	bubble(t, "forms are those of testdata/stored.golden", func(t *testing.T) {
		failed := status.Job{
			ID: id, Type: "bind_ldap", Status: status.Failed, BeginTime: "2026-01-02 03:04:05", EndTime: "2026-01-02 03:05:05",
			ErrorCode: "SFS.TURBO.0100", FailReason: "no route to host", SubJobs: []status.Job{sub("a", "failed")},
		}
		write("Job", failed)
		write("Transition", status.Transition{JobID: id, SubJob: "a", Job: sub("a", "failed"), From: "running", To: "failed", ObservedAt: time.Now().UTC()})

		w := newWaiter(t, responses(job("running", sub("a", "running")), httpError(503), noJob, job("running", sub("a", "success")), failed),
			waiter.WithBackOff(constant(time.Second)), waiter.WithFailureBackOff(constant(2*time.Second)))
		p := waiter.Progress{JobID: id}
		for !p.Done {
			p, _ = w.Step(t.Context(), p)
			p.Due, p.Started, p.LastSeen = p.Due.UTC(), p.Started.UTC(), p.LastSeen.UTC()
			for i := range p.Transitions {
				p.Transitions[i].ObservedAt = p.Transitions[i].ObservedAt.UTC()
			}
			write("Progress", p)
			time.Sleep(p.Next)
		}

		history, err := pace.NewHistory()
		require.NoError(t, err)
		schedule := history.BackOff().(pace.Observer)
		schedule.Observe(pace.Observation{Job: job("running"), Age: 4 * time.Second})
		schedule.Observe(pace.Observation{Job: job("success"), Age: 5 * time.Second, Changed: true})
		write("History", history)
	})
	if *update {
		require.NoError(t, os.WriteFile("testdata/stored.golden", []byte(golden.String()), 0o644))
	}
	want, err := os.ReadFile("testdata/stored.golden")
	require.NoError(t, err)
	require.Equal(t, strings.Split(string(want), "\n"), strings.Split(golden.String(), "\n"))

	t.Run("forms are read", func(t *testing.T) {
		read := map[string]int{}
		for block := range strings.SplitSeq(strings.TrimSpace(string(want)), "\n\n") {
			what, data, _ := strings.Cut(strings.TrimPrefix(block, "# "), "\n")
			into := map[string]any{"Job": new(status.Job), "Transition": new(status.Transition), "Progress": new(waiter.Progress), "History": new(pace.History)}[what]
			require.NoError(t, json.Unmarshal([]byte(data), into), what)
			again, err := json.Marshal(into)
			require.NoError(t, err)
			require.JSONEq(t, data, string(again))
			read[what]++
		}
		require.Len(t, read, 4)
	})
}

// PostgreSQL stores no U+0000, neither in jsonb nor in text. Clients other than poller.Client hand
// on whatever the service sent.
func TestStoredTextHasNoNUL(t *testing.T) {
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
