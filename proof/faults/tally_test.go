package faults_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
)

// tally counts the failed polls of one wait by kind, as its error should. It belongs to the wait's
// goroutine.
//
// A failed poll counts by whether its context or the wait's has ended. The wait looks at that
// before it calls PollEnd, and the tally looks there. If the two differ, a context ended in
// between, and only the wait can know what it saw.
type tally struct {
	ctx    context.Context // of the wait
	kinds  map[string]int
	unsure bool // about some poll
}

func newTally(ctx context.Context) *tally { return &tally{ctx: ctx, kinds: map[string]int{}} }

func (t *tally) option() waiter.Option {
	return waiter.WithTrace(&waiter.Trace{PollEnd: t.ended})
}

func (t *tally) ended(ctx context.Context, e waiter.PollEnd) {
	if e.Err == nil {
		return
	}
	switch kind := t.kind(ctx, e.Err); {
	case kind == canceledKind: // as which kind the wait does not count it
		t.unsure = t.unsure || e.Kind != poller.Kind(context.Canceled)
	case kind != e.Kind:
		t.unsure = true
	default:
		t.kinds[kind]++
	}
}

const canceledKind = "" // the caller canceled it: no failure

// kind returns what the failed poll counts as if the wait judges it now.
func (t *tally) kind(poll context.Context, err error) string {
	switch ended := t.ctx.Err(); {
	case errors.Is(ended, context.Canceled):
		return canceledKind
	case ended != nil, errors.Is(poll.Err(), context.DeadlineExceeded): // not if a hook canceled it
		return "timeout"
	}
	return poller.Kind(err)
}

// check is called after the wait. It returns what is wrong with the failures that the wait's error
// reports.
func (t *tally) check(err *waiter.UnfinishedError) error {
	if t.unsure {
		return nil
	}
	if !maps.Equal(t.kinds, err.Failures) {
		return fmt.Errorf("reports %v, but the failures were %v: %w", err.Failures, t.kinds, err)
	}
	for kind, times := range t.kinds {
		if words := fmt.Sprintf("%d x %s", times, kind); !strings.Contains(err.Error(), words) {
			return fmt.Errorf("does not say %q: %w", words, err)
		}
	}
	return nil
}

func TestTally(t *testing.T) {
	atOnce := func(context.Context) error { return io.EOF }
	atTheEnd := func(ctx context.Context) error { <-ctx.Done(); return io.EOF }
	withDeadline := func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, time.Second)
	}
	canceled := func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(time.Second, cancel)
		return ctx, cancel
	}
	for name, test := range map[string]struct {
		fail  func(ctx context.Context) error
		until func(context.Context) (context.Context, context.CancelFunc)
		limit time.Duration
		late  bool // the wait judges after the contexts have ended
		hook  bool // cancels each poll
		kinds map[string]int
	}{
		"before the end":             {atOnce, withDeadline, time.Minute, false, false, map[string]int{"network": 2}},
		"at the poll's limit":        {atTheEnd, withDeadline, time.Millisecond, false, false, map[string]int{"timeout": 2}},
		"at the deadline":            {atTheEnd, withDeadline, time.Minute, false, false, map[string]int{"timeout": 1}},
		"at a cancellation":          {atTheEnd, canceled, time.Minute, false, false, map[string]int{}},
		"given up by a hook":         {atOnce, withDeadline, time.Minute, false, true, map[string]int{"network": 2}},
		"just before the limit":      {atOnce, withDeadline, time.Millisecond, true, false, nil},
		"just before the deadline":   {atOnce, withDeadline, time.Minute, true, false, nil},
		"just before a cancellation": {atOnce, canceled, time.Minute, true, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := poller.Func(func(ctx context.Context, _ string) (poller.Reply, error) { return poller.Reply{}, test.fail(ctx) })
				w, err := waiter.New(p, waiter.WithPollTimeout(test.limit), waiter.WithFailureBackOff(schedule(time.Hour, time.Hour)))
				require.NoError(t, err)
				ctx, cancel := test.until(t.Context())
				defer cancel()
				tally := newTally(ctx)
				_, err = w.Wait(ctx, "job", waiter.WithTrace(&waiter.Trace{
					PollStart: func(ctx context.Context, _ waiter.PollStart) context.Context {
						ctx, cancel := context.WithCancel(ctx)
						if test.hook {
							cancel()
						}
						t.Cleanup(cancel)
						return ctx
					},
					PollEnd: func(ctx context.Context, _ waiter.PollEnd) {
						if test.late {
							<-ctx.Done()
						}
					},
				}), tally.option())
				unfinished, ok := errors.AsType[*waiter.UnfinishedError](err)
				require.True(t, ok, err)
				assert.NoError(t, tally.check(unfinished))
				assert.Equal(t, test.late, tally.unsure)
				if !test.late {
					assert.Equal(t, test.kinds, tally.kinds)
					unfinished.Failures = map[string]int{"network": 3}
					assert.Error(t, tally.check(unfinished))
				}
			})
		})
	}
}
