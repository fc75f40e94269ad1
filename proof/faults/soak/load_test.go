package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/proof/faults/internal/truth"
	"github.com/sfsturbo/waiter/status"
)

func TestLoadOfALongerSoakIsTheSame(t *testing.T) {
	whole, longer, half := settings{length: 2 * time.Minute}, settings{length: time.Hour}, settings{length: time.Minute}
	for name, of := range map[string]func(settings) time.Duration{
		"the longest job": settings.longestJob, "the longest sleep": settings.longestSleep, "a poll's timeout": settings.pollTimeout,
		"the longest silence": settings.longestSilence,
	} {
		assert.Equal(t, of(whole), of(longer), name)
		assert.Less(t, of(half), of(whole), name)
	}
	assert.Equal(t, 48*time.Second, whole.longestJob())
	assert.Equal(t, 30*time.Second, whole.longestSleep())
}

// The options are the same load too: without a response, as many polls.
func TestOptionsOfALongerSoakAreTheSame(t *testing.T) {
	polls := func(length time.Duration) (n int) {
		synctest.Test(t, func(t *testing.T) {
			p := poller.Func(func(context.Context, string) (poller.Reply, error) {
				n++
				return poller.Reply{Job: status.Job{Status: status.Running}}, nil
			})
			w, err := waiter.New(p, settings{length: length}.options()...)
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			_, err = w.Wait(ctx, "job")
			require.ErrorIs(t, err, waiter.ErrUnfinished)
		})
		return n
	}
	assert.InDelta(t, polls(2*time.Minute), polls(time.Hour), 6)
	assert.Greater(t, polls(time.Minute), 3*polls(time.Hour)/2)
}

// A wait that the soak ends is wrong if it has stopped polling, whatever it returns.
func TestLoadFindsAWaitThatStopsPolling(t *testing.T) {
	s := settings{length: 2 * time.Minute}
	never := waiter.WithFailureBackOff(func() backoff.BackOff { return backoff.NewConstantBackOff(time.Hour) })
	for name, test := range map[string]struct {
		opts  []waiter.Option
		fail  bool // every poll
		blind bool // does not see the job's end
		says  string
	}{
		"polls fail":       {s.options(), true, false, ""},
		"polls are good":   {s.options(), false, false, ""},
		"one poll, failed": {append(s.options(), never), true, false, "no poll for 3m0s"},
		"the end unseen":   {s.options(), false, true, "though no poll failed"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				job := truth.Draw("soak-1", s.longestJob())
				require.Zero(t, job.Patience)
				began := time.Now()
				w, err := waiter.New(poller.Func(func(context.Context, string) (poller.Reply, error) {
					if test.fail {
						return poller.Reply{}, io.EOF
					}
					seen := status.Job{ID: job.Script.ID, Type: job.Script.Type, Status: status.Waiting}
					for _, step := range job.Script.Steps {
						if time.Since(began) >= step.After && !(test.blind && step.Job.Status.Terminal()) {
							seen = step.Job.Clone()
						}
					}
					return poller.Reply{Job: seen}, nil
				}), test.opts...)
				require.NoError(t, err)
				ctx, stop := context.WithCancelCause(t.Context())
				time.AfterFunc(3*time.Minute, func() { stop(errOver) })
				l := &load{began: time.Now(), silence: s.longestSilence()}
				l.wait(ctx, w, job)
				stop(nil)
				if test.fail || test.blind {
					assert.Equal(t, 3*time.Minute-job.Life(), l.lag)
				} else {
					assert.Less(t, l.lag, 20*time.Second)
				}
				if test.says == "" {
					assert.Empty(t, l.wrongs)
					return
				}
				assert.EqualValues(t, 1, l.wrong.Load())
				require.Len(t, l.wrongs, 1)
				assert.True(t, strings.HasSuffix(l.wrongs[0].Error(), test.says), l.wrongs[0])
			})
		})
	}
}

// Where most polls fail, a job may get its one 404 before anything else, and late.
func TestLoad404EndsNoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, lost := time.Now(), false
		p := poller.Func(func(context.Context, string) (poller.Reply, error) {
			switch {
			case time.Since(began) < time.Minute:
				return poller.Reply{}, io.EOF
			case !lost:
				lost = true
				return poller.Reply{}, &poller.Error{StatusCode: 404}
			}
			return poller.Reply{Job: status.Job{Status: status.Success}}, nil
		})
		w, err := waiter.New(p, settings{length: 2 * time.Minute}.options()...)
		require.NoError(t, err)
		_, err = w.Wait(t.Context(), "job")
		assert.NoError(t, err)
		assert.True(t, lost)
	})
}
