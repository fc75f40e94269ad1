package tracker_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
	"github.com/sfsturbo/waiter/tracker"
)

type inContext struct{}

// carrying is a Trace that carries along what the context holds, and notes what waits begin with.
func carrying(starts *[]waiter.WaitStart) waiter.Option {
	return waiter.WithTrace(&waiter.Trace{
		WaitStart: func(ctx context.Context, e waiter.WaitStart) context.Context {
			*starts = append(*starts, e)
			return context.WithValue(ctx, inContext{}, "of the wait")
		},
		Carry: func(ctx context.Context) string {
			carried, _ := ctx.Value(inContext{}).(string)
			return carried
		},
	})
}

func TestCarry(t *testing.T) {
	bubble(t, "what a hook returns is in the journal, and the next process has it", func(t *testing.T) {
		s, m := newService(), &memory{}
		var starts []waiter.WaitStart
		for range 2 {
			tr := newTracker(t, newWaiter(t, s, carrying(&starts)), tracker.WithJournal(m))
			require.NoError(t, tr.Track(status.Job{ID: "a"}))
			stop := run(t, tr)
			sleep(20 * time.Second)
			require.Equal(t, 1, tr.Contexts())
			require.NoError(t, stop())
			require.Zero(t, tr.Contexts())
		}
		require.Equal(t, []waiter.WaitStart{
			{JobID: "a", Tracked: true}, {JobID: "a", JobType: "bind_ldap", Resumed: true, Tracked: true, Carried: "of the wait"},
		}, starts)
		require.Contains(t, string(m.stored()["a"]), `"trace":"of the wait"`)
	})

	bubble(t, "is asked with the context of the Wait that begins to track a job", func(t *testing.T) {
		s, m := newService(), &memory{}
		var starts []waiter.WaitStart
		tr := newTracker(t, newWaiter(t, s, carrying(&starts)), tracker.WithJournal(m))
		run(t, tr)
		for _, caller := range []string{"of the caller", "of another"} {
			ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), inContext{}, caller), time.Second)
			_, err := tr.Wait(ctx, "a")
			cancel()
			require.ErrorIs(t, err, waiter.ErrUnfinished)
		}
		require.Equal(t, []waiter.WaitStart{{JobID: "a", Tracked: true, Carried: "of the caller"}}, starts)
		sleep(time.Minute)
		require.Contains(t, string(m.stored()["a"]), `"trace":"of the caller"`)
		require.Zero(t, tr.Contexts(), "the wait has ended")
	})

	bubble(t, "is not asked again for a job that is followed again", func(t *testing.T) {
		s := newService()
		s.fail = func(_ string, n int) error {
			if n == 1 {
				return &poller.Error{StatusCode: 403}
			}
			return nil
		}
		var starts []waiter.WaitStart
		tr := newTracker(t, newWaiter(t, s, carrying(&starts)))
		run(t, tr)
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		sleep(time.Second)
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		sleep(time.Second)
		require.Len(t, starts, 2)
		require.Equal(t, "of the wait", starts[1].Carried)
		tr.Forget("a")
		sleep(time.Second)
		require.Zero(t, tr.Contexts())
	})

	bubble(t, "need not be in a record that an earlier version wrote", func(t *testing.T) {
		s, m := newService(), &memory{}
		tr := newTracker(t, newWaiter(t, s), tracker.WithJournal(m))
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		require.False(t, strings.Contains(string(m.stored()["a"]), "trace"), "this is such a record")
		var starts []waiter.WaitStart
		run(t, newTracker(t, newWaiter(t, s, carrying(&starts)), tracker.WithJournal(m)))
		sleep(2 * time.Minute)
		require.Equal(t, []waiter.WaitStart{{JobID: "a", Tracked: true}}, starts)
		require.Contains(t, string(m.stored()["a"]), `"trace":"of the wait"`)
	})
}

func TestWaitEnd(t *testing.T) {
	bubble(t, "of a Run that ends first has what was delivered, and the next Run's has the job's end", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		began := poller.Reply{Job: status.Job{Status: status.Running}}
		end := poller.Reply{Job: status.Job{Status: status.Success, EndTime: "2026-01-02 03:24:05"}, ServerTime: time.Date(2026, 1, 2, 3, 24, 12, 0, time.UTC)}
		polls := 0
		p := poller.Func(func(context.Context, string) (poller.Reply, error) {
			if polls++; polls == 1 {
				return began, nil
			}
			cancel()
			time.Sleep(time.Second) // the Run has ended when this arrives
			return end, nil
		})
		type seen struct {
			outcome string
			status  status.Status
			delay   time.Duration
		}
		var ends []seen
		tr := newTracker(t, newWaiter(t, p, waiter.WithTrace(&waiter.Trace{WaitEnd: func(_ context.Context, e waiter.WaitEnd) {
			ends = append(ends, seen{e.Outcome, e.Job.Status, e.DetectionDelay})
		}})))
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		require.NoError(t, tr.Run(ctx))
		require.Equal(t, []seen{{"canceled", status.Running, 0}}, ends)
		ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.NoError(t, tr.Run(ctx))
		require.Equal(t, seen{"success", status.Success, 7 * time.Second}, ends[1])
		require.Equal(t, 2, polls)
	})
}
