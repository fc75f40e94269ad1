package tracker_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/status"
	"github.com/sfsturbo/waiter/tracker"
)

func TestRun(t *testing.T) {
	bubble(t, "refuses a second one at a time", func(t *testing.T) {
		tr := newTracker(t, newWaiter(t, newService()))
		run(t, tr)
		synctest.Wait()
		require.ErrorContains(t, tr.Run(t.Context()), "Run is running already")
	})

	bubble(t, "ends with its context, and another one goes on", func(t *testing.T) {
		s, l := newService(), &notes{}
		tr := newTracker(t, newWaiter(t, s, l.option()))
		require.NoError(t, tr.Track(ids("a", 3)...))
		for range 5 {
			stop := run(t, tr)
			sleep(10*time.Second + time.Millisecond)
			require.NoError(t, stop())
			polls := s.count()
			sleep(5 * time.Second)
			require.Equal(t, polls, s.count(), "polled without Run")
		}
		require.NoError(t, run(t, tr)())
		require.Equal(t, 3, tr.Stats().Done)
		require.Len(t, l.all(), 6)
	})

	bubble(t, "with a context that has ended does nothing", func(t *testing.T) {
		s := newService()
		tr := newTracker(t, newWaiter(t, s))
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, tr.Run(ctx))
		require.Zero(t, s.count())
	})

	bubble(t, "cancels polls in flight, which then count as not sent for their job's failures", func(t *testing.T) {
		s := newService()
		s.took = time.Minute
		tr := newTracker(t, newWaiter(t, s, waiter.WithPollTimeout(0)))
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		stop := run(t, tr)
		sleep(time.Second)
		start := time.Now()
		require.NoError(t, stop())
		require.Zero(t, time.Since(start))
		require.Empty(t, snapshots(tr)["a"].Failures)
		require.Equal(t, tracker.Stats{Followed: 1, Due: 1, Rate: tr.Stats().Rate, Polls: 1}, tr.Stats())
	})

	bubble(t, "ends with its context's deadline, which is not that of any job", func(t *testing.T) {
		s := newService()
		s.took = 4 * time.Second
		permanent := waiter.WithClassifier(func(error, poller.Verdict) poller.Verdict { return poller.Permanent })
		limiter := waiter.WithLimiter(rate.NewLimiter(rate.Every(7*time.Second), 1))
		tr := newTracker(t, newWaiter(t, s, permanent, limiter))
		require.NoError(t, tr.Track(ids("a", 5)...))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		require.NoError(t, tr.Run(ctx))
		require.Equal(t, 10*time.Second, time.Since(s.since))
		require.Equal(t, 5, tr.Stats().Followed)
		for _, job := range snapshots(tr) {
			require.Empty(t, job.Failures)
			require.NoError(t, job.LastFailure)
		}
		run(t, tr)
		sleep(5 * time.Minute)
		require.Equal(t, 5, tr.Stats().Done)
	})

	bubble(t, "waits for a callback, and leaves what else is not delivered to the next Run", func(t *testing.T) {
		s, l := newService(), &notes{}
		slow := waiter.OnTransition(func(status.Transition) { time.Sleep(time.Minute) })
		tr := newTracker(t, newWaiter(t, s, l.option(), slow))
		require.NoError(t, tr.Track(ids("a", 100)...))
		stop := run(t, tr)
		sleep(time.Second)
		require.Equal(t, 64, tr.Stats().Delivering)
		require.Equal(t, 36, tr.Stats().Undelivered)
		start := time.Now()
		require.NoError(t, stop())
		require.Equal(t, 59*time.Second, time.Since(start))
		require.Len(t, l.all(), 64)
		run(t, tr)
		synctest.Wait()
		require.Len(t, l.all(), 100)
		require.Equal(t, 100, s.count(), "a job with an undelivered change is not polled")
	})
}

func TestCallbacks(t *testing.T) {
	bubble(t, "that are slow slow down their own job only", func(t *testing.T) {
		s := newService()
		slow := waiter.OnTransition(func(transition status.Transition) {
			if transition.JobID == "a0" {
				time.Sleep(time.Hour)
			}
		})
		tr := newTracker(t, newWaiter(t, s, slow))
		run(t, tr)
		require.NoError(t, tr.Track(ids("a", 50)...))
		for i := range 49 {
			_, err := tr.Wait(t.Context(), fmt.Sprint("a", i+1))
			require.NoError(t, err)
		}
		require.Equal(t, time.Minute, time.Since(s.since))
		require.Len(t, s.of("a0"), 1)
	})

	panics := map[string]func(*bool) (poller.Poller, waiter.Option){
		"a callback": func(on *bool) (poller.Poller, waiter.Option) {
			return newService(), waiter.OnTransition(func(status.Transition) { ouch(on) })
		},
		"a hook": func(on *bool) (poller.Poller, waiter.Option) {
			return newService(), waiter.WithTrace(&waiter.Trace{PollEnd: func(context.Context, waiter.PollEnd) { ouch(on) }})
		},
		"the last hook": func(on *bool) (poller.Poller, waiter.Option) {
			return newService(), waiter.WithTrace(&waiter.Trace{WaitEnd: func(context.Context, waiter.WaitEnd) { ouch(on) }})
		},
		"a Poller": func(on *bool) (poller.Poller, waiter.Option) {
			s := newService()
			return poller.Func(func(ctx context.Context, id string) (poller.Reply, error) {
				ouch(on)
				return s.Poll(ctx, id)
			}), waiter.WithStallLimit(0)
		},
		"a save": func(on *bool) (poller.Poller, waiter.Option) {
			return newService(), waiter.WithCheckpoints(func(context.Context, status.Job, status.Transition) error {
				ouch(on)
				return nil
			})
		},
	}
	for name, made := range panics {
		bubble(t, "or another function: a panic of "+name+" is Run's, and the next Run goes on", func(t *testing.T) {
			on, l := true, &notes{}
			p, opt := made(&on)
			tr := newTracker(t, newWaiter(t, p, opt, l.option()))
			require.NoError(t, tr.Track(status.Job{ID: "a"}))
			var recovered any
			func() {
				defer func() { recovered = recover() }()
				_ = tr.Run(t.Context())
			}()
			e, ok := recovered.(*tracker.PanicError)
			require.True(t, ok, "%v", recovered)
			require.Equal(t, errOuch, e.Recovered)
			require.ErrorIs(t, e, errOuch)
			require.Contains(t, string(e.Stack), "tracker_test.ouch")
			require.ErrorContains(t, e, "tracker: a callback, hook, Poller, limiter or Journal panicked: ouch\n\ngoroutine ")

			on = false
			run(t, tr)
			_, err := tr.Wait(t.Context(), "a")
			require.NoError(t, err)
			require.Subset(t, l.all(), []string{"a  ->running", "a  running->success"})
			require.LessOrEqual(t, len(l.all()), 3)
		})
	}

	bubble(t, "that end their goroutine end Run with an error", func(t *testing.T) {
		on := true
		tr := newTracker(t, newWaiter(t, newService(), waiter.OnTransition(func(status.Transition) {
			if on {
				runtime.Goexit()
			}
		})))
		require.NoError(t, tr.Track(ids("a", 3)...))
		require.ErrorContains(t, tr.Run(t.Context()), "runtime.Goexit")
		require.Zero(t, tr.Stats().Delivering)
		on = false
		run(t, tr)
		_, err := tr.Wait(t.Context(), "a0")
		require.NoError(t, err)
	})

	bubble(t, "may call the Tracker", func(t *testing.T) {
		var tr *tracker.Tracker
		w := newWaiter(t, newService(), waiter.OnTransition(func(transition status.Transition) {
			require.NoError(t, tr.Track(status.Job{ID: transition.JobID + "x"[:min(1, 4-len(transition.JobID))]}))
			require.NotEmpty(t, snapshots(tr))
			require.Positive(t, tr.Stats().Delivering)
		}))
		tr = newTracker(t, w)
		run(t, tr)
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		sleep(5 * time.Minute)
		require.Len(t, snapshots(tr), 4)
		require.Equal(t, 4, tr.Stats().Done)
	})

	bubble(t, "that save with the context of a Run that has ended are not the job's end", func(t *testing.T) {
		l := &notes{}
		tr := newTracker(t, newWaiter(t, newService(), l.option(), waiter.WithCheckpoints(func(ctx context.Context, _ status.Job, _ status.Transition) error {
			select {
			case <-time.After(time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})))
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		stop := run(t, tr)
		sleep(time.Second / 2)
		require.NoError(t, stop())
		run(t, tr)
		_, err := tr.Wait(t.Context(), "a")
		require.NoError(t, err)
		require.Equal(t, []string{"a  ->running", "a  ->running", "a  running->success"}, l.all())
	})
}

var errOuch = errors.New("ouch")

func ouch(on *bool) {
	if *on {
		panic(errOuch)
	}
}

func TestHooks(t *testing.T) {
	bubble(t, "are called once at a job's beginning and once at its end, in each Run", func(t *testing.T) {
		l := &notes{}
		type key struct{}
		trace := &waiter.Trace{
			WaitStart: func(ctx context.Context, s waiter.WaitStart) context.Context {
				l.add("start " + s.JobID)
				return context.WithValue(ctx, key{}, s.JobID)
			},
			PollStart: func(ctx context.Context, p waiter.PollStart) context.Context {
				require.Equal(t, p.JobID, ctx.Value(key{}))
				return ctx
			},
			WaitEnd: func(ctx context.Context, e waiter.WaitEnd) {
				require.Equal(t, e.Job.ID, ctx.Value(key{}))
				require.Equal(t, e.Outcome == "stopped", errors.Is(e.Err, tracker.ErrForgotten))
				l.add("end " + e.Job.ID + " " + e.Outcome)
			},
		}
		s := newService()
		var tr *tracker.Tracker
		tr = newTracker(t, newWaiter(t, s, waiter.WithTrace(trace), waiter.OnTransition(func(transition status.Transition) {
			if transition.JobID == "c" {
				tr.Forget("c")
			}
		})))
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		stop := run(t, tr)
		sleep(30 * time.Second)
		require.NoError(t, stop())
		stop = run(t, tr)
		sleep(time.Minute)
		require.NoError(t, stop())
		require.Equal(t, []string{"start a", "end a canceled", "start a", "end a success"}, l.all())

		run(t, tr)
		require.NoError(t, tr.Track(status.Job{ID: "b"}))
		sleep(time.Second / 2)
		tr.Forget("b")
		synctest.Wait()
		require.Equal(t, []string{"start b", "end b stopped"}, l.all()[4:])
		require.NoError(t, tr.Track(status.Job{ID: "c"}))
		synctest.Wait()
		require.Equal(t, []string{"start c", "end c stopped"}, l.all()[6:])
	})
}

func TestBudget(t *testing.T) {
	bubble(t, "bounds the polls of all jobs together", func(t *testing.T) {
		s := newService()
		tr := newTracker(t, newWaiter(t, s), tracker.WithRate(10, 5))
		require.NoError(t, tr.Track(ids("a", 100)...))
		run(t, tr)
		sleep(30 * time.Second)
		times := s.times()
		require.InDelta(t, 305, len(times), 1)
		for i := range times {
			n := 0
			for k := i; k < len(times) && times[k] < times[i]+time.Second; k++ {
				n++
			}
			require.LessOrEqual(t, n, 15, "polls in the second from %v", times[i])
		}
	})

	bubble(t, "falls when the service refuses polls, and rises again", func(t *testing.T) {
		s := newService()
		s.fail = func(string, int) error {
			if time.Since(s.since) < 10*time.Second {
				return &poller.Error{StatusCode: 429}
			}
			return nil
		}
		tr := newTracker(t, newWaiter(t, s), tracker.WithRate(100, 1))
		require.NoError(t, tr.Track(ids("a", 1000)...))
		run(t, tr)
		sleep(10 * time.Second)
		cut := tr.Stats()
		require.Less(t, float64(cut.Rate), 10.)
		require.Equal(t, cut.Throttled, cut.Polls)
		require.Less(t, cut.Polls, uint64(100), "a thousand are what the rate allows")
		sleep(3 * time.Minute)
		require.InDelta(t, 100, float64(tr.Stats().Rate), 1e-9)
	})

	bubble(t, "has risen again when nothing is polled", func(t *testing.T) {
		s := newService()
		s.fail = func(_ string, n int) error {
			if n == 1 {
				return &poller.Error{StatusCode: 429}
			}
			return nil
		}
		tr := newTracker(t, newWaiter(t, s, hourly), tracker.WithRate(100, 1))
		run(t, tr)
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		sleep(time.Minute)
		require.Len(t, s.of("a"), 2)
		require.InDelta(t, 100, float64(tr.Stats().Rate), 1e-9)
	})

	bubble(t, "bounds the polls in flight", func(t *testing.T) {
		s := newService()
		s.took = time.Second
		tr := newTracker(t, newWaiter(t, s), tracker.WithConcurrency(7))
		require.NoError(t, tr.Track(ids("a", 100)...))
		run(t, tr)
		sleep(time.Minute)
		require.Equal(t, 7, s.most)
	})

	bubble(t, "goes first to the job that most likely has ended, whichever has been due for longest", func(t *testing.T) {
		history, err := pace.NewHistory()
		require.NoError(t, err)
		s := newService()
		typed := poller.Func(func(ctx context.Context, id string) (poller.Reply, error) {
			r, err := s.Poll(ctx, id)
			r.Job.Type = strings.TrimRight(id, "0123456789")
			return r, err
		})
		teach := newTracker(t, newWaiter(t, typed), tracker.WithHistory(history))
		stop := run(t, teach)
		for i, j := range ids("varied", 60) { // from a minute to two hours
			s.lasts[j.ID] = time.Duration(1+2*i) * time.Minute
		}
		require.NoError(t, teach.Track(ids("varied", 60)...))
		require.NoError(t, teach.Track(ids("minute", 60)...))
		sleep(3 * time.Hour)
		require.NoError(t, stop())

		tr := newTracker(t, newWaiter(t, typed), tracker.WithHistory(history), tracker.WithRate(1./600, 1))
		run(t, tr)
		require.NoError(t, tr.Track(status.Job{ID: "first"})) // takes the only poll for ten minutes
		require.NoError(t, tr.Track(status.Job{ID: "varied99", Type: "varied"}))
		sleep(400 * time.Second)
		require.NoError(t, tr.Track(status.Job{ID: "minute99", Type: "minute"}))
		now := snapshots(tr)
		require.True(t, now["varied99"].Due.Before(now["minute99"].Due))
		require.Less(t, now["minute99"].Due.Sub(s.since), 3*time.Hour+600*time.Second)
		sleep(201 * time.Second)
		require.Len(t, s.of("minute99"), 1)
		require.Empty(t, s.of("varied99"))
	})
}

func TestRank(t *testing.T) {
	bubble(t, "counts from a job's last poll, so that an old job is not polled again and again", func(t *testing.T) {
		history, err := pace.NewHistory()
		require.NoError(t, err)
		s := newService()
		tr := newTracker(t, newWaiter(t, s), tracker.WithHistory(history), tracker.WithRate(1./10, 1))
		run(t, tr)
		require.NoError(t, tr.Track(status.Job{ID: "old"}))
		sleep(time.Second)
		require.NoError(t, tr.Track(status.Job{ID: "young"}))
		sleep(20 * time.Second)
		require.Len(t, s.of("old"), 2)
		require.Len(t, s.of("young"), 1)
	})
}

func TestRaces(t *testing.T) {
	t.Run("Forget and Wait at Run's end", func(t *testing.T) {
		for range 20 {
			var mu sync.Mutex
			ends := map[string]int{}
			s := newService()
			s.fail = func(string, int) error { return errors.New("connection reset") }
			tr := newTracker(t, newWaiter(t, s, waiter.WithTrace(&waiter.Trace{WaitEnd: func(_ context.Context, e waiter.WaitEnd) {
				mu.Lock()
				defer mu.Unlock()
				ends[e.Job.ID]++
			}})))
			require.NoError(t, tr.Track(ids("a", 50)...))
			stop := run(t, tr)
			for s.count() < 50 {
				time.Sleep(time.Millisecond)
			}
			var calls sync.WaitGroup
			calls.Go(func() { _ = stop() })
			calls.Go(func() {
				for _, j := range ids("a", 50) {
					ctx, cancel := context.WithTimeout(t.Context(), time.Microsecond)
					_, _ = tr.Wait(ctx, j.ID)
					cancel()
				}
			})
			calls.Go(func() {
				for _, j := range ids("a", 50) {
					tr.Forget(j.ID)
				}
			})
			calls.Wait()
			_ = stop()
			for id, n := range ends {
				require.LessOrEqual(t, n, 2, "%s: a Wait may have tracked it again", id)
			}
		}
	})

	t.Run("Wait and Jobs while a job changes", func(t *testing.T) {
		var polls atomic.Int64
		tr := newTracker(t, newWaiter(t, poller.Func(func(context.Context, string) (poller.Reply, error) {
			n := int(polls.Add(1))
			j := status.Job{Status: status.Running}
			for i := range 20 {
				j.SubJobs = append(j.SubJobs, status.Job{ID: fmt.Sprint("s", (20*n+i)%400), Status: status.Status(fmt.Sprint("step", n/20%2))})
			}
			return poller.Reply{Job: j}, nil
		}), every(time.Microsecond)...))
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		run(t, tr)
		for range 200 {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Microsecond)
			_, err := tr.Wait(ctx, "a")
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Len(t, snapshots(tr), 1)
		}
	})
}

func TestRetention(t *testing.T) {
	bubble(t, "is for jobs whose end was seen, or that the service does not know", func(t *testing.T) {
		s, m := newService(), &memory{}
		s.fail = func(id string, n int) error {
			switch id {
			case "unauthorized":
				return &poller.Error{StatusCode: 401}
			case "unknown":
				return &poller.Error{StatusCode: 404}
			}
			return nil
		}
		tr := newTracker(t, newWaiter(t, s), tracker.WithJournal(m))
		require.NoError(t, tr.Track(status.Job{ID: "unauthorized"}, status.Job{ID: "unknown"}, status.Job{ID: "good"}))
		run(t, tr)
		sleep(30 * time.Minute)
		require.Equal(t, 3, tr.Stats().Done)
		require.Equal(t, 1, tr.Stats().Unseen)
		sleep(2 * time.Hour)
		require.Equal(t, 1, tr.Stats().Unseen)
		require.Contains(t, snapshots(tr), "unauthorized")
		require.Len(t, m.stored(), 1)
		tr.Forget("unauthorized")
		require.Zero(t, tr.Stats().Unseen)
	})

	bubble(t, "keeps the jobs that have ended for an hour", func(t *testing.T) {
		tr := newTracker(t, newWaiter(t, newService()))
		run(t, tr)
		_, err := tr.Wait(t.Context(), "a")
		require.NoError(t, err)
		sleep(time.Hour - time.Second)
		require.Len(t, snapshots(tr), 1)
		sleep(2 * time.Second)
		require.Empty(t, snapshots(tr))
	})

	bubble(t, "keeps as many as it is told to, the last ones", func(t *testing.T) {
		s := newService()
		tr := newTracker(t, newWaiter(t, s), tracker.WithRetention(time.Hour, 3))
		for i, j := range ids("a", 10) {
			s.lasts[j.ID] = time.Duration(i+1) * time.Second
		}
		run(t, tr)
		require.NoError(t, tr.Track(ids("a", 10)...))
		sleep(time.Minute)
		kept := snapshots(tr)
		require.Len(t, kept, 3)
		for _, id := range []string{"a7", "a8", "a9"} {
			require.True(t, kept[id].Done)
		}
	})
}
