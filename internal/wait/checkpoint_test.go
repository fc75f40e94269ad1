package wait

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

func job(s status.Status, subs ...status.Job) status.Job {
	return status.Job{ID: "a", Type: "bind_ldap", Status: s, SubJobs: subs}
}

func sub(name string, s status.Status) status.Job { return status.Job{ID: name, Status: s} }

// script returns one response after the other, each a status.Job, a poller.Reply or an error, and
// the last one again and again.
func script(responses ...any) poller.Func {
	n := 0
	return func(context.Context, string) (poller.Reply, error) {
		r := responses[min(n, len(responses)-1)]
		n++
		switch r := r.(type) {
		case status.Job:
			return poller.Reply{Job: r}, nil
		case error:
			return poller.Reply{}, r
		default:
			return r.(poller.Reply), nil
		}
	}
}

// listening is a Config that notes in told what is delivered.
func listening(p poller.Poller, told *[]string) Config {
	c := Defaults(p)
	c.Callbacks = []func(status.Transition){func(t status.Transition) { *told = append(*told, t.String()) }}
	return c
}

func TestSave(t *testing.T) {
	responses := []any{job("running", sub("b", "running")), job("success", sub("b", "success"))}
	want := []string{"job: running", "b: running", "b: running -> success", "job: running -> success"}
	run := func(t *testing.T, behavior string, test func(t *testing.T)) {
		t.Run(behavior, func(t *testing.T) { synctest.Test(t, test) })
	}

	run(t, "comes after the callbacks, with the fold of what was delivered and the wait's context", func(t *testing.T) {
		type key struct{}
		var order []string
		folded := status.Job{}
		c := listening(script(responses...), &order)
		c.Save = func(ctx context.Context, checkpoint status.Job, tr status.Transition) error {
			require.Equal(t, "the wait's", ctx.Value(key{}))
			folded = status.Apply(folded, tr)
			require.Equal(t, folded, checkpoint)
			order = append(order, "save "+tr.String())
			return nil
		}
		require.NoError(t, begin(t, &c).Wait(context.WithValue(t.Context(), key{}, "the wait's")))
		var both []string
		for _, s := range want {
			both = append(both, s, "save "+s)
		}
		require.Equal(t, both, order)
	})
	run(t, "gets copies of its own", func(t *testing.T) {
		var kept []status.Transition
		var last status.Job
		c := Defaults(script(responses...))
		c.Save = func(_ context.Context, checkpoint status.Job, tr status.Transition) error {
			last = checkpoint.Clone()
			for _, j := range []status.Job{checkpoint, tr.Job} {
				for i := range j.SubJobs {
					j.SubJobs[i].Status = "changed"
				}
			}
			return nil
		}
		c.Hooks = []Hooks{{PollEnd: func(_ context.Context, p *Polled) { kept = append(kept, p.Transitions...) }}}
		f := begin(t, &c)
		require.NoError(t, f.Wait(t.Context()))
		end := job("success", sub("b", "success"))
		require.Equal(t, end, last)
		require.Equal(t, end, kept[len(kept)-1].Job)
		require.Equal(t, end, f.State.Job)
	})
	for n := range want {
		run(t, "that fails at "+want[n]+" ends the wait with the checkpoint before it", func(t *testing.T) {
			full := errors.New("disk full")
			var told []string
			saved := status.Job{ID: "a"}
			c := listening(script(responses...), &told)
			c.Save = func(_ context.Context, checkpoint status.Job, _ status.Transition) error {
				if len(told) == n+1 {
					return full
				}
				saved = checkpoint
				return nil
			}
			f := begin(t, &c)
			require.ErrorIs(t, f.Wait(t.Context()), full)
			require.Equal(t, follow.Unsaved, f.State.End)
			require.Equal(t, want[:n+1], told)
			require.Equal(t, saved, f.State.Job)
		})
	}
	run(t, "comes for the transition too at which the caller stopped listening", func(t *testing.T) {
		var saved []string
		c := Defaults(script(responses...))
		c.Save = func(_ context.Context, _ status.Job, tr status.Transition) error {
			saved = append(saved, tr.String())
			return nil
		}
		f := begin(t, &c)
		f.Yield = func(status.Transition) bool { return false }
		require.ErrorIs(t, f.Wait(t.Context()), errStopped)
		require.Equal(t, want[:1], saved)
	})
}

func TestFailFastDeliversTheWholeResponse(t *testing.T) {
	var told []string
	c := listening(script(job("running", sub("b", "failed"), sub("c", "running"))), &told)
	c.FailFast = true
	f := begin(t, &c)
	require.NoError(t, f.Wait(t.Context())) // begin's errors are the causes
	require.Equal(t, follow.SubJobFailed, f.State.End)
	require.Equal(t, []string{"job: running", "b: failed", "c: running"}, told)
}
