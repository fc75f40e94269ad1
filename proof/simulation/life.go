package simulation

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime/debug"
	"strings"
	"testing/synctest"
	"time"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/status"
)

// all runs the lives of a case in sequence. It returns the library's panic, or nil.
func (s *session) all() (failure *panicked) {
	defer func() {
		if r := recover(); r != nil {
			failure = &panicked{s.trace, r, debug.Stack()}
		}
	}()
	for i := range s.c.Lives {
		s.life = &s.c.Lives[i]
		s.process()
		s.trace.Runs = append(s.trace.Runs, Run{Began: time.Since(Epoch)})
		s.run = &s.trace.Runs[i]
		ctx, release := s.context()
		if s.c.Step {
			s.step(ctx)
		} else {
			s.wait(ctx, i > 0)
		}
		synctest.Wait()
		s.trace.Leaked += goroutines().ofWaits()
		release()
		if !s.run.End.goesOn() || s.polls >= s.c.Polls {
			break
		}
		time.Sleep(ceil(s.run.At) + s.life.Gap - s.run.At)
	}
	return nil
}

// context returns the context of a life.
func (s *session) context() (ctx context.Context, release func()) {
	cause := context.Canceled
	ctx, s.cancel = context.WithCancelCause(context.Background())
	cancel := s.cancel
	stop := func() {}
	if s.life.Cause {
		cause = errCause
	}
	if d := s.life.Deadline; d > 0 && s.life.Cause {
		ctx, stop = context.WithDeadlineCause(ctx, time.Now().Add(d), errCause)
	} else if d > 0 {
		ctx, stop = context.WithTimeout(ctx, d)
	}
	var timers []*time.Timer
	if s.life.Cancel > 0 {
		timers = append(timers, time.AfterFunc(s.life.Cancel, func() { cancel(cause) }))
	}
	if s.life.Crash > 0 {
		timers = append(timers, time.AfterFunc(s.life.Crash, func() { cancel(errCrash) }))
	}
	return ctx, func() {
		for _, t := range timers {
			t.Stop()
		}
		stop()
		cancel(nil)
	}
}

// deliver notes a transition. It returns false if this life crashes after it.
func (s *session) deliver(t status.Transition) bool {
	s.run.Delivered = append(s.run.Delivered, t)
	s.run.Polls[len(s.run.Polls)-1].Delivered = len(s.run.Delivered)
	s.delivered = status.Apply(s.delivered, t)
	if d := s.c.Options.Callback; d > 0 {
		time.Sleep(d)
	}
	return s.life.CrashAt == 0 || len(s.run.Delivered) < s.life.CrashAt
}

// wait waits by one of the verbs that wait until the end.
func (s *session) wait(ctx context.Context, resumes bool) {
	job, err := s.verb(ctx, resumes)
	s.run.At, s.run.Job = time.Since(Epoch), job
	if errors.Is(err, errCrash) {
		s.run.End = Crashed
		s.delivered = throughJSON(s.delivered)
		return
	}
	s.judge(ctx, err)
	watch := s.life.Verb == "Watch" // which returns no job
	if e, ok := errors.AsType[*waiter.UnfinishedError](err); ok {
		s.run.Said = Said{true, time.Now().Add(-e.Elapsed), e.LastSeen, e.RequestID, e.Age, e.Polls, e.Failures}
		s.delivered, s.run.Job = throughJSON(e.Last), e.Last
	} else if e, ok := errors.AsType[*waiter.FailedError](err); ok {
		start := s.run.Began
		if s.life.Verb == "Run" {
			start += s.life.Submit
		}
		s.run.Wrong = append(s.run.Wrong, judgeFailure(e, s.run, start)...)
		s.run.Job = e.Job
	} else if watch {
		s.run.Job, s.run.Folded = s.delivered, true
	}
	if !watch && !equal(job, s.run.Job) {
		s.run.Wrong = append(s.run.Wrong, fmt.Sprintf("the call returned %+v", job))
	}
}

func (s *session) verb(ctx context.Context, resumes bool) (job status.Job, err error) {
	opts := []waiter.Option{}
	if resumes {
		opts = append(opts, waiter.From(s.delivered))
	}
	if s.life.Verb == "Watch" {
		for t, err := range s.waiter.Watch(ctx, JobID, opts...) {
			if err != nil {
				return job, err
			}
			if !s.deliver(t) {
				return job, errCrash
			}
		}
		return job, nil
	}
	defer func() {
		if r := recover(); r != nil {
			if r != errCrash { //nolint:errorlint // it is the very one
				panic(r)
			}
			err = errCrash
		}
	}()
	onTransition := waiter.OnTransition(func(t status.Transition) {
		if !s.deliver(t) {
			panic(errCrash)
		}
	})
	switch s.life.Verb {
	case "Run":
		return s.waiter.Run(ctx, func(context.Context) (string, error) {
			time.Sleep(s.life.Submit)
			return JobID, nil
		}, append(opts, onTransition)...)
	case "WaitAll": // takes no checkpoint
		trace := waiter.WithTrace(&waiter.Trace{WaitEnd: s.nameSeed})
		results, err := s.waiter.WaitAll(ctx, []string{JobID, JobID}, onTransition, trace)
		return results[1].Job, err
	}
	return s.waiter.Wait(ctx, JobID, append(opts, onTransition)...)
}

// nameSeed is called at the end of each wait within WaitAll. A panic there cannot be recovered, so
// it prints the seed.
func (s *session) nameSeed(_ context.Context, e waiter.WaitEnd) {
	if e.Err != nil && strings.HasSuffix(e.Err.Error(), "the wait panicked") {
		fmt.Fprintf(os.Stderr, "seed %d panics; replay it with: %s\n", s.c.Seed, s.c.Replay(HTTPTier))
	}
}

// step waits by Step. The transitions of a Step are delivered once its Progress is stored.
func (s *session) step(ctx context.Context) {
	defer func() {
		s.run.At, s.run.Job = time.Since(Epoch), s.saved.Job
		p := s.saved
		s.run.Said = Said{!p.Started.IsZero(), p.Started, p.LastSeen, p.RequestID, age(p.LastSeen, s.run.At), p.Polls, p.Failures}
		if s.run.Job.ID == "" {
			s.run.Job = status.Job{ID: JobID, Type: s.c.Options.Type}
		}
	}()
	if s.life.Fresh {
		s.saved = waiter.Progress{JobID: JobID, Job: s.saved.Job}
	}
	for {
		next, err := s.waiter.Step(ctx, throughJSON(s.saved))
		if c := s.life.CrashAt; c > 0 && len(s.run.Delivered)+len(next.Transitions) >= c {
			s.run.Polls[len(s.run.Polls)-1].Lost = true
			s.run.End = Crashed
			return
		}
		for _, t := range next.Transitions {
			s.deliver(t)
		}
		if next.Done {
			s.saved = next
			s.judge(ctx, err)
			return
		}
		if unchanged := s.saved; err != nil {
			if unchanged.Transitions = nil; !reflect.DeepEqual(throughJSON(unchanged), throughJSON(next)) {
				s.run.Wrong = append(s.run.Wrong, fmt.Sprintf("a Step without an outcome changed %+v to %+v", unchanged, next))
			}
		}
		delay := 5 * time.Second
		switch {
		case err == nil:
			s.saved, delay = next, next.Next
		case ctx.Err() != nil:
			s.judge(ctx, err)
			return
		case !errors.Is(err, errRefused) || !errors.Is(err, waiter.ErrUnfinished):
			s.run.End, s.run.Wrong = Refused, append(s.run.Wrong, err.Error())
			return
		}
		if err := pause(ctx, delay); err != nil {
			s.run.End, _ = byContext(ctx)
			return
		}
	}
}

// Wait implements the limiter that [waiter.WithLimiter] takes.
func (l *Limiter) Wait(ctx context.Context) error {
	deadline := time.Duration(0)
	if at, ok := ctx.Deadline(); ok {
		deadline = at.Sub(Epoch)
	}
	if l.refuses(time.Since(Epoch), deadline) {
		return errRefused
	}
	return pause(ctx, l.Hold)
}

// judge notes how the life ended, and what is wrong with its error.
func (s *session) judge(ctx context.Context, err error) {
	end, wrong := judge(ctx, err)
	s.run.End, s.run.Wrong = end, append(s.run.Wrong, wrong...)
	if word := waiter.Outcome(err); word != outcomes[end] {
		s.run.Wrong = append(s.run.Wrong, fmt.Sprintf("its Outcome is %q, not %q", word, outcomes[end]))
	}
}

// outcomes are the words of waiter.Outcome; a life that crashed was canceled.
var outcomes = map[End]string{
	Success: "success", Failed: "failed", NotFound: "not_found", Disappeared: "disappeared", Unauthorized: "unauthorized",
	Permanent: "permanent", Stalled: "stalled", Stopped: "stopped", Refused: "stopped", TimedOut: "timeout",
	Canceled: "canceled", Crashed: "canceled",
}
