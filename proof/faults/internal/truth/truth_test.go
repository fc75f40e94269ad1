package truth_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/proof/faults/internal/truth"
	"github.com/sfsturbo/waiter/status"
)

func TestDraw(t *testing.T) {
	ends := map[status.Status]int{}
	canceled := 0
	for n := range 2000 {
		id := fmt.Sprint("job-", n)
		job := truth.Draw(id, time.Minute)
		require.Equal(t, job, truth.Draw(id, time.Minute))
		ends[job.End.Status]++
		require.Equal(t, !job.End.Status.Terminal(), job.Patience > 0)
		if job.Cancel {
			canceled++
		}
		last := job.Script.Steps[len(job.Script.Steps)-1]
		require.LessOrEqual(t, last.After, time.Minute)
		require.Equal(t, job.End, last.Job)
	}
	assert.InDelta(t, 1400, ends[status.Success], 100)
	assert.InDelta(t, 400, ends[status.Failed], 80)
	assert.InDelta(t, 200, ends[status.Running], 60)
	assert.InDelta(t, 100, canceled, 50)
}

// In memory and without faults every wait is right.
func TestWitnessAcceptsARightWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := pollertest.New()
		defer server.Close()
		endpoint, client := server.Memory()
		p, err := poller.New(endpoint, "a-project", poller.WithHTTPClient(client), poller.WithCredential(credential.Token("t")))
		require.NoError(t, err)
		w, err := waiter.New(p)
		require.NoError(t, err)
		for n := range 100 {
			job := truth.Draw(fmt.Sprint("job-", n), time.Minute)
			witness := truth.NewWitness(job)
			ctx, cancel := witness.Context(t.Context())
			server.Add(job.Script)
			got, err := w.Wait(ctx, job.Script.ID, waiter.OnTransition(witness.Observe))
			assert.NoError(t, witness.Judge(ctx, time.Now(), got, err))
			lag := witness.Lag(time.Now())
			assert.True(t, lag >= 0 && lag <= 16*time.Second, lag)
			if job.Patience > 0 {
				assert.Zero(t, lag, "late")
			}
			cancel()
		}
	})
}

// drawn returns a job that is known exactly: one sub-job, and an end after a second.
func drawn(end status.Status) (job truth.Job, delivered []status.Transition) {
	sub := status.Job{ID: "s", Type: "step", Status: status.Running, BeginTime: "2026-01-02 03:04:06"}
	running := status.Job{ID: "j", Type: "bind_ldap", Status: status.Running, BeginTime: "2026-01-02 03:04:05", SubJobs: []status.Job{sub}}
	sub.Status, sub.EndTime = status.Success, "2026-01-02 03:05:06"
	last := running
	last.Status, last.EndTime, last.SubJobs = end, "2026-01-02 03:05:05", []status.Job{sub}
	if end == status.Failed {
		last.ErrorCode, last.FailReason = "SFS.TURBO.0100", "no route to host"
	}
	job = truth.Job{End: last, Script: pollertest.Script{
		ID: "j", Type: "bind_ldap", Steps: []pollertest.Step{{Job: running}, {After: time.Second, Job: last}},
	}}
	delivered = status.Diff(status.Job{ID: "j"}, running, time.Time{})
	return job, append(delivered, status.Diff(running, last, time.Time{})...)
}

func TestWitnessTransitions(t *testing.T) {
	swap := func(i, j int) func([]status.Transition) []status.Transition {
		return func(l []status.Transition) []status.Transition { l[i], l[j] = l[j], l[i]; return l }
	}
	for name, test := range map[string]struct {
		change func([]status.Transition) []status.Transition
		says   string
	}{
		"rightly":           {func(l []status.Transition) []status.Transition { return l }, ""},
		"twice":             {func(l []status.Transition) []status.Transition { return append(l[:2:2], l[1:]...) }, "though before it delivered"},
		"one lost":          {func(l []status.Transition) []status.Transition { return append(l[:1:1], l[2:]...) }, "though before it delivered"},
		"the last one lost": {func(l []status.Transition) []status.Transition { return l[:3] }, `delivered "" "running", returned "success"`},
		"a sub-job lost":    {func(l []status.Transition) []status.Transition { return []status.Transition{l[0], l[3]} }, "delivered 1 statuses, returned 2"},
		"a sub-job first":   {swap(0, 1), "after its sub-jobs"},
		"the end too early": {swap(2, 3), "after the job's end"},
		"another job":       {func(l []status.Transition) []status.Transition { l[0].JobID = "k"; return l }, `delivered for "k"`},
		"never was so": {func(l []status.Transition) []status.Transition {
			l[2].To, l[2].Job.Status = "failed", "failed"
			return l
		}, "never was so"},
		"without its type":     {func(l []status.Transition) []status.Transition { l[2].Job.Type = ""; return l }, "never was so"},
		"with another's state": {func(l []status.Transition) []status.Transition { l[2].Job.Status = "failed"; return l }, `of a job that is "failed"`},
		"backwards": {func(l []status.Transition) []status.Transition {
			back := l[0]
			back.From, back.To, back.Job.Status = status.Running, status.Waiting, status.Waiting
			return append(l[:1:1], back)
		}, "leads nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			job, delivered := drawn(status.Success)
			witness := truth.NewWitness(job)
			for _, transition := range test.change(delivered) {
				witness.Observe(transition)
			}
			complains(t, witness.Judge(t.Context(), time.Now(), job.End, nil), test.says)
		})
	}
}

func TestWitnessOutcomes(t *testing.T) {
	cause := errors.New("cause")
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	fails, _ := drawn(status.Failed)
	failed := &waiter.FailedError{Job: fails.End}
	another := &waiter.FailedError{Job: fails.End}
	another.Job.ErrorCode = "SFS.TURBO.0101"
	unfinished := func(causes ...error) error { return errors.Join(append(causes, waiter.ErrUnfinished)...) }
	for name, test := range map[string]struct {
		end, returned status.Status
		ctx           context.Context
		err           error
		says          string
	}{
		"success":                      {"success", "success", t.Context(), nil, ""},
		"failure":                      {"failed", "failed", t.Context(), failed, ""},
		"the context":                  {"failed", "running", ended, unfinished(context.Canceled, cause), ""},
		"success, but it fails":        {"failed", "failed", t.Context(), nil, "returned no error"},
		"success, but it still runs":   {"success", "running", t.Context(), nil, "returned no error"},
		"failure, but it succeeds":     {"success", "failed", t.Context(), failed, "failed with"},
		"failure, with another code":   {"failed", "failed", t.Context(), another, "failed with"},
		"given up":                     {"success", "running", t.Context(), unfinished(waiter.ErrDisappeared), "gave up before"},
		"the context, and no word":     {"success", "running", ended, unfinished(), "does not say"},
		"the context, without a cause": {"success", "running", ended, unfinished(context.Canceled), "does not say"},
		"neither":                      {"success", "running", ended, context.Canceled, "neither outcome"},
	} {
		t.Run(name, func(t *testing.T) {
			job, delivered := drawn(test.end)
			returned := job.End
			if test.returned == status.Running {
				delivered, returned = delivered[:2], job.Script.Steps[0].Job
			}
			returned.Status = test.returned
			witness := truth.NewWitness(job)
			for _, transition := range delivered {
				witness.Observe(transition)
			}
			err := witness.Judge(test.ctx, time.Now(), returned, test.err)
			if test.says != "" || test.end == test.returned {
				complains(t, err, test.says)
				return
			}
			assert.NoError(t, err)
		})
	}
	job, _ := drawn(status.Success)
	complains(t, truth.NewWitness(job).Judge(ended, time.Now(), status.Job{ID: "k"}, unfinished(context.Canceled, cause)), `returned job "k"`)
	assert.NoError(t, truth.NewWitness(job).Judge(ended, time.Now(), status.Job{ID: "j"}, unfinished(context.Canceled, cause)), "never seen")
}

// A wait has to return everything that the last response showed.
func TestWitnessReturnedJobs(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(*status.Job)
		says  string
	}{
		"whole":                      {func(*status.Job) {}, ""},
		"without its reason":         {func(j *status.Job) { j.FailReason = "" }, "never was so"},
		"without its end's time":     {func(j *status.Job) { j.EndTime = "" }, "never was so"},
		"without a sub-job's type":   {func(j *status.Job) { j.SubJobs[0].Type = "" }, "never was so"},
		"with a sub-job that is old": {func(j *status.Job) { *j = drawnRunning(*j) }, "not how it ended"},
	} {
		t.Run(name, func(t *testing.T) {
			job, delivered := drawn(status.Failed)
			witness := truth.NewWitness(job)
			for _, transition := range delivered {
				witness.Observe(transition)
			}
			returned := job.End.Clone()
			test.spoil(&returned)
			complains(t, witness.Judge(t.Context(), time.Now(), returned, &waiter.FailedError{Job: job.End}), test.says)
		})
	}
}

// drawnRunning returns a job that has ended, with its sub-jobs as they were before.
func drawnRunning(ended status.Job) status.Job {
	job, _ := drawn(ended.Status)
	ended.SubJobs = job.Script.Steps[0].Job.SubJobs
	return ended
}

func TestWitnessWaitsThatEndTooEarly(t *testing.T) {
	patient := truth.Job{Patience: time.Second, End: status.Job{Status: status.Running}, Script: pollertest.Script{ID: "j"}}
	canceled := patient
	canceled.Cancel = true
	ends, delivered := drawn(status.Success)
	for name, job := range map[string]truth.Job{"its job": ends, "its deadline": patient, "its cancellation": canceled} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				witness := truth.NewWitness(job)
				ctx, cancel := witness.Context(t.Context())
				defer cancel()
				time.Sleep(time.Second)
				synctest.Wait()
				returned, err := status.Job{ID: "j"}, errors.Join(waiter.ErrUnfinished, ctx.Err(), context.Cause(ctx))
				if job.Patience == 0 {
					returned, err = job.End, nil
					for _, transition := range delivered {
						witness.Observe(transition)
					}
				}
				assert.Zero(t, witness.Lag(time.Now()))
				assert.NoError(t, witness.Judge(ctx, time.Now(), returned, err))
				assert.ErrorContains(t, witness.Judge(ctx, time.Now().Add(-time.Millisecond), returned, err), "1ms too early")
			})
		})
	}
}

func complains(t *testing.T, err error, says string) {
	t.Helper()
	if says == "" {
		assert.NoError(t, err)
		return
	}
	assert.ErrorContains(t, err, says)
}
