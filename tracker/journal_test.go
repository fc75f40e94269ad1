package tracker_test

import (
	"context"
	"iter"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
	"github.com/sfsturbo/waiter/tracker"
)

// broken is a journal that cannot be read.
type broken struct{ memory }

func (*broken) Load() iter.Seq2[tracker.Record, error] {
	return func(yield func(tracker.Record, error) bool) { yield(tracker.Record{}, errFull) }
}

func TestJournal(t *testing.T) {
	bubble(t, "has a process that died go on with each job, and repeat nothing", func(t *testing.T) {
		s, l, m := newService(), &notes{}, &memory{}
		for range 4 {
			tr := newTracker(t, newWaiter(t, s, l.option()), tracker.WithJournal(m))
			require.NoError(t, tr.Track(ids("a", 3)...))
			stop := run(t, tr)
			sleep(20*time.Second + time.Millisecond)
			require.NoError(t, stop())
		}
		require.Len(t, l.all(), 6)
		tr := newTracker(t, newWaiter(t, s), tracker.WithJournal(m))
		polls := s.count()
		for _, j := range ids("a", 3) {
			got, err := tr.Wait(t.Context(), j.ID)
			require.NoError(t, err)
			require.Equal(t, status.Job{ID: j.ID, Type: "bind_ldap", Status: status.Success}, got)
		}
		require.Equal(t, polls, s.count(), "the outcomes are known")
	})

	bubble(t, "keeps the error of a job whose end was not seen, and its times", func(t *testing.T) {
		s, m := newService(), &memory{}
		s.fail = func(string, int) error {
			return &poller.Error{StatusCode: 404, Code: "SFS.TURBO.0019", RequestID: "req-1"}
		}
		tr := newTracker(t, newWaiter(t, s), tracker.WithJournal(m))
		stop := run(t, tr)
		_, before := tr.Wait(t.Context(), "a")
		require.NoError(t, stop())
		sleep(time.Minute)
		_, after := newTracker(t, newWaiter(t, s), tracker.WithJournal(m)).Wait(t.Context(), "a")
		require.ErrorIs(t, after, waiter.ErrNotFound)
		require.Equal(t, before.Error(), after.Error())
	})

	bubble(t, "knows of each transition that was delivered, also within a response", func(t *testing.T) {
		m, l := &memory{}, &notes{}
		service := newService()
		sub := status.Job{ID: "s", Status: status.Running}
		p := poller.Func(func(ctx context.Context, id string) (poller.Reply, error) {
			r, err := service.Poll(ctx, id)
			r.Job.SubJobs = []status.Job{sub}
			return r, err
		})
		hang := true
		tr := newTracker(t, newWaiter(t, p, waiter.OnTransition(func(tr status.Transition) {
			if tr.IsSubJob() && hang {
				time.Sleep(time.Hour)
			}
		})), tracker.WithJournal(m))
		run(t, tr)
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		sleep(time.Minute) // it hangs in the second transition, and dies there
		copied := &memory{records: m.stored()}
		hang = false
		again := newTracker(t, newWaiter(t, p, l.option()), tracker.WithJournal(copied))
		run(t, again)
		_, err := again.Wait(t.Context(), "a")
		require.NoError(t, err)
		require.Equal(t, []string{"a s ->running", "a  running->success"}, l.all())
	})

	bubble(t, "knows of the transitions within a job's last response", func(t *testing.T) {
		m, l := &memory{}, &notes{}
		p := poller.Func(func(context.Context, string) (poller.Reply, error) {
			return poller.Reply{Job: status.Job{Status: status.Success, SubJobs: []status.Job{
				{ID: "s", Status: status.Success}, {ID: "t", Status: status.Success},
			}}}, nil
		})
		tr := newTracker(t, newWaiter(t, p, waiter.OnTransition(func(tr status.Transition) {
			if tr.SubJob == "t" {
				time.Sleep(time.Hour)
			}
		})), tracker.WithJournal(m))
		run(t, tr)
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		sleep(time.Minute)
		again := newTracker(t, newWaiter(t, p, l.option()), tracker.WithJournal(&memory{records: m.stored()}))
		run(t, again)
		_, err := again.Wait(t.Context(), "a")
		require.NoError(t, err)
		require.Equal(t, []string{"a t ->success", "a  ->success"}, l.all())
	})

	bubble(t, "goes on with a schedule where it was", func(t *testing.T) {
		s, m := newService(), &memory{}
		w := newWaiter(t, s, waiter.WithBackOff(func() backoff.BackOff { return new(counting) }))
		tr := newTracker(t, w, tracker.WithJournal(m))
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		stop := run(t, tr)
		sleep(time.Second / 2)
		require.NoError(t, stop())
		run(t, newTracker(t, w, tracker.WithJournal(m)))
		sleep(6 * time.Second)
		require.Equal(t, []time.Duration{0, time.Second, 3 * time.Second, 6 * time.Second}, s.times())
	})

	bubble(t, "does not delay polls though the clock was set back", func(t *testing.T) {
		s, m := newService(), &memory{}
		w := newWaiter(t, s, waiter.WithBackOff(func() backoff.BackOff { return backoff.NewConstantBackOff(time.Minute) }))
		tr := newTracker(t, w, tracker.WithJournal(m))
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		stop := run(t, tr)
		sleep(time.Second)
		require.NoError(t, stop())
		later := strings.ReplaceAll(string(m.stored()["a"]), `"2000-01-01T`, `"2000-01-02T`)
		tr = newTracker(t, w, tracker.WithJournal(&memory{records: map[string][]byte{"a": []byte(later)}}))
		require.WithinDuration(t, time.Now().Add(time.Minute), snapshots(tr)["a"].Due, 0)
		require.WithinDuration(t, time.Now(), snapshots(tr)["a"].LastSeen, 0)
	})

	bubble(t, "gets records in the order in which they came, also after it has failed", func(t *testing.T) {
		m := &slow{}
		tr := newTracker(t, newWaiter(t, newService()), tracker.WithJournal(m))
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		m.takes, m.fail = time.Second, errFull
		stop := run(t, tr)
		sleep(time.Second / 2) // the first transition is being committed
		tr.Forget("a")
		require.ErrorIs(t, stop(), errFull)
		m.fail = nil
		require.NoError(t, tr.Track(status.Job{ID: "b"}))
		require.Len(t, m.stored(), 1)
	})

	bubble(t, "holds up deliveries if it is slower than they are", func(t *testing.T) {
		m := &slow{}
		minutely := waiter.WithBackOff(func() backoff.BackOff { return backoff.NewConstantBackOff(time.Minute) })
		tr := newTracker(t, newWaiter(t, newService(), minutely), tracker.WithJournal(m))
		require.NoError(t, tr.Track(ids("a", 5000)...))
		m.takes = 10 * time.Second
		stop := run(t, tr)
		sleep(time.Second)
		require.Less(t, tr.Stats().Uncommitted, 2200, "half of them are being committed")
		require.Greater(t, tr.Stats().Undelivered, 2000)
		sleep(10 * time.Minute)
		require.NoError(t, stop())
		require.Equal(t, 5000, tr.Stats().Done)
	})

	bubble(t, "does not have a record before it is committed", func(t *testing.T) {
		tr := newTracker(t, newWaiter(t, newService()), tracker.WithJournal(&slow{takes: time.Minute}))
		go func() { _ = tr.Track(ids("a", 5)...) }()
		sleep(time.Second)
		require.Equal(t, 5, tr.Stats().Uncommitted)
		sleep(time.Minute)
		require.Zero(t, tr.Stats().Uncommitted)
	})

	bubble(t, "does not hold up a wait beyond its deadline", func(t *testing.T) {
		m := &slow{takes: time.Minute}
		tr := newTracker(t, newWaiter(t, newService()), tracker.WithJournal(m))
		stop := run(t, tr)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		_, err := tr.Wait(ctx, "a")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 10*time.Second, time.Since(start))
		require.NoError(t, stop())
		require.Len(t, m.stored(), 1)
	})

	bubble(t, "remembers when the next poll is due, and a grace that has begun", func(t *testing.T) {
		s, m := newService(), &memory{}
		tr := newTracker(t, newWaiter(t, s, hourly), tracker.WithJournal(m))
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		stop := run(t, tr)
		sleep(time.Minute)
		require.NoError(t, stop())
		tr = newTracker(t, newWaiter(t, s, hourly), tracker.WithJournal(m))
		require.WithinDuration(t, s.since.Add(time.Hour), snapshots(tr)["a"].Due, 0)
		require.WithinDuration(t, s.since, snapshots(tr)["a"].Started, 0)
	})

	bubble(t, "forgets a job for good, and one whose retention is over", func(t *testing.T) {
		s, m := newService(), &memory{}
		tr := newTracker(t, newWaiter(t, s), tracker.WithJournal(m))
		require.NoError(t, tr.Track(ids("a", 3)...))
		tr.Forget("a1")
		require.Len(t, m.stored(), 2)
		run(t, tr)
		sleep(30 * time.Second)
		tr.Forget("a2")
		synctest.Wait()
		require.Len(t, m.stored(), 1)
		sleep(2 * time.Hour)
		require.Empty(t, m.stored())
		require.Empty(t, snapshots(newTracker(t, newWaiter(t, s), tracker.WithJournal(m))))
	})

	bubble(t, "that cannot store what Track is given is Track's error, and nothing is tracked", func(t *testing.T) {
		m := &memory{fail: errFull}
		tr := newTracker(t, newWaiter(t, newService()), tracker.WithJournal(m))
		err := tr.Track(ids("a", 3)...)
		require.ErrorIs(t, err, errFull)
		require.EqualError(t, err, "tracker: Track: the journal: the disk is full. Fix that, then track the same jobs again: those that are tracked stay as they are")
		require.Empty(t, snapshots(tr))
		m.fail = nil
		require.NoError(t, tr.Track(ids("a", 2)...))
		require.Len(t, m.stored(), 2)
		require.Len(t, snapshots(tr), 2)
	})

	bubble(t, "that fails ends Run, and the next Run stores what it lacks", func(t *testing.T) {
		s, l, m := newService(), &notes{}, &memory{}
		tr := newTracker(t, newWaiter(t, s, l.option()), tracker.WithJournal(m))
		require.NoError(t, tr.Track(ids("a", 3)...))
		m.fail = errFull
		err := tr.Run(t.Context())
		require.ErrorIs(t, err, errFull)
		require.ErrorContains(t, err, "tracker: Run: the journal: the disk is full. What it lacks is kept: fix that, then call Run again")
		require.Positive(t, tr.Stats().Uncommitted)
		m.fail = nil
		require.NoError(t, run(t, tr)())
		require.Zero(t, tr.Stats().Uncommitted)

		again := newTracker(t, newWaiter(t, s, l.option()), tracker.WithJournal(m))
		run(t, again)
		sleep(2 * time.Minute)
		require.Len(t, l.all(), 6)
	})

	bubble(t, "gets at once what an earlier Run has left", func(t *testing.T) {
		m := &memory{}
		tr := newTracker(t, newWaiter(t, newService(), hourly), tracker.WithJournal(m))
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		m.fail = errFull
		require.ErrorIs(t, tr.Run(t.Context()), errFull)
		m.fail = nil
		run(t, tr)
		synctest.Wait()
		require.Zero(t, tr.Stats().Uncommitted)
	})

	bubble(t, "has everything when Run has returned", func(t *testing.T) {
		for range 20 { // a select between two that are ready chooses at random
			m := &slow{}
			callback := waiter.OnTransition(func(t status.Transition) {
				if t.JobID == "slow" {
					time.Sleep(time.Second / 2)
				}
			})
			tr := newTracker(t, newWaiter(t, newService(), callback), tracker.WithJournal(m))
			require.NoError(t, tr.Track(status.Job{ID: "a"}, status.Job{ID: "slow"}))
			m.takes = time.Second // the end of Run, and what it has left, come during a commit
			stop := run(t, tr)
			sleep(time.Second / 4)
			require.NoError(t, stop())
			require.Zero(t, tr.Stats().Uncommitted)
			require.Contains(t, string(m.stored()["slow"]), "running")
		}
	})

	bubble(t, "that fails for long does not fill the memory", func(t *testing.T) {
		m := &memory{fail: errFull}
		tr := newTracker(t, newWaiter(t, newService()), tracker.WithJournal(m))
		for range 100 {
			require.ErrorIs(t, tr.Track(status.Job{ID: "a"}), errFull)
		}
		require.LessOrEqual(t, tr.Stats().Uncommitted, 2)
	})

	bubble(t, "that fails does not lose a job that is followed again", func(t *testing.T) {
		s, l, m := newService(), &notes{}, &memory{}
		s.fail = func(_ string, n int) error {
			if n == 2 {
				return &poller.Error{StatusCode: 401}
			}
			return nil
		}
		tr := newTracker(t, newWaiter(t, s, l.option()), tracker.WithJournal(m))
		run(t, tr)
		_, err := tr.Wait(t.Context(), "a")
		require.ErrorIs(t, err, waiter.ErrUnauthorized)
		m.mu.Lock()
		m.fail = errFull
		m.mu.Unlock()
		require.ErrorIs(t, tr.Track(status.Job{ID: "a"}), errFull)
		require.Len(t, snapshots(tr), 1)
		m.mu.Lock()
		m.fail = nil
		m.mu.Unlock()
		synctest.Wait()
		run(t, tr)
		_, err = tr.Wait(t.Context(), "a")
		require.NoError(t, err)
		require.Equal(t, []string{"a  ->running", "a  running->success"}, l.all())
	})

	bubble(t, "never lacks a job that is followed again", func(t *testing.T) {
		s, m := newService(), &removals{}
		s.fail = func(_ string, n int) error {
			if n == 2 {
				return &poller.Error{StatusCode: 401}
			}
			return nil
		}
		tr := newTracker(t, newWaiter(t, s), tracker.WithJournal(m))
		run(t, tr)
		_, err := tr.Wait(t.Context(), "a")
		require.ErrorIs(t, err, waiter.ErrUnauthorized)
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		_, err = tr.Wait(t.Context(), "a")
		require.NoError(t, err)
		synctest.Wait()
		require.Zero(t, m.n.Load(), "a crash between the removal and what replaces it loses the job")
		sleep(2 * time.Hour)
		require.EqualValues(t, 1, m.n.Load())
	})

	bubble(t, "remembers when jobs ended, for their retention", func(t *testing.T) {
		s, m := newService(), &memory{}
		for i, j := range ids("a", 20) {
			s.lasts[j.ID] = time.Duration(i) * time.Minute
		}
		tr := newTracker(t, newWaiter(t, s), tracker.WithJournal(m))
		require.NoError(t, tr.Track(ids("a", 20)...))
		stop := run(t, tr)
		sleep(30 * time.Minute)
		require.NoError(t, stop())
		tr = newTracker(t, newWaiter(t, s), tracker.WithJournal(m))
		stop = run(t, tr)
		sleep(40 * time.Minute)
		require.Len(t, snapshots(tr), 9, "after 70 minutes: those that ended after minute 10")
		require.NoError(t, stop())
		tr = newTracker(t, newWaiter(t, s), tracker.WithJournal(m), tracker.WithRetention(time.Hour, 2))
		run(t, tr)
		synctest.Wait()
		kept := snapshots(tr)
		require.Len(t, kept, 2)
		require.Contains(t, kept, "a18")
		require.Contains(t, kept, "a19")
	})

	bubble(t, "that panics is Run's panic, or Track's, and loses nothing", func(t *testing.T) {
		m := &panicking{on: true}
		tr := newTracker(t, newWaiter(t, newService()), tracker.WithJournal(m))
		require.PanicsWithValue(t, errOuch, func() { _ = tr.Track(status.Job{ID: "a"}) })
		require.Zero(t, tr.Stats().Followed)
		m.on = false
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		m.on = true
		func() {
			defer func() {
				e, ok := recover().(*tracker.PanicError)
				require.True(t, ok)
				require.Equal(t, errOuch, e.Recovered)
			}()
			_ = tr.Run(t.Context())
		}()
		m.on = false
		run(t, tr)
		_, err := tr.Wait(t.Context(), "a")
		require.NoError(t, err)
	})

	bubble(t, "commits what has come meanwhile together", func(t *testing.T) {
		m := &slow{}
		tr := newTracker(t, newWaiter(t, newService()), tracker.WithJournal(m))
		require.NoError(t, tr.Track(ids("a", 25_000)...))
		require.Equal(t, 3, m.commits)
		m.commits = 0
		stop := run(t, tr)
		sleep(time.Second / 2)
		require.NoError(t, stop())
		require.Less(t, m.commits, 100)
		require.Len(t, m.stored(), 25_000)
	})

	t.Run("that cannot be read, or used, is New's error", func(t *testing.T) {
		w := newWaiter(t, newService())
		good := &memory{}
		tr := newTracker(t, w, tracker.WithJournal(good))
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		data := string(good.records["a"])
		for want, m := range map[string]tracker.Journal{
			"tracker: the journal: it cannot be read: the disk is full":                       &broken{},
			`tracker: the journal: the record of job "a" cannot be used: its version is 2`:    &memory{records: map[string][]byte{"a": []byte(strings.Replace(data, `"version":1`, `"version":2`, 1))}},
			`tracker: the journal: the record of job "b" cannot be used: it is of job "a"`:    &memory{records: map[string][]byte{"b": []byte(data)}},
			`tracker: the journal: the record of job "a" cannot be used: unexpected end of J`: &memory{records: map[string][]byte{"a": []byte(data[:20])}},
		} {
			tr, err := tracker.New(w, tracker.WithJournal(m))
			require.ErrorContains(t, err, want)
			require.Nil(t, tr)
		}
	})
}

// counting is 1 s, 2 s, 3 s, ...
type counting struct{ n int }

func (c *counting) Reset() { c.n = 0 }

func (c *counting) NextBackOff() time.Duration {
	c.n++
	return time.Duration(c.n) * time.Second
}

// slow is a journal whose commits take time: a millisecond, unless set.
type slow struct {
	memory
	takes time.Duration
}

func (s *slow) Commit(records []tracker.Record) error {
	time.Sleep(max(s.takes, time.Millisecond))
	return s.memory.Commit(records)
}

// panicking is a journal with a fault.
type panicking struct {
	memory
	on bool
}

func (p *panicking) Commit(records []tracker.Record) error {
	ouch(&p.on)
	return p.memory.Commit(records)
}

// removals is a journal that counts the records that remove one.
type removals struct {
	memory
	n atomic.Int32
}

func (r *removals) Commit(records []tracker.Record) error {
	for _, record := range records {
		if record.Data == nil {
			r.n.Add(1)
		}
	}
	return r.memory.Commit(records)
}
