package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/proof/simulation"
	"github.com/sfsturbo/waiter/status"
)

func TestJudge(t *testing.T) {
	cause := errors.New("a cause")
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	job := status.Job{ID: simulation.JobID, Status: status.Failed}
	failed := &waiter.FailedError{Job: job}
	unfinished := &waiter.UnfinishedError{JobID: simulation.JobID, Last: job}
	with := func(causes ...error) error {
		err := error(unfinished)
		for _, cause := range causes {
			err = fmt.Errorf("%w, %w", err, cause)
		}
		return err
	}
	for name, test := range map[string]struct {
		ctx  context.Context
		err  error
		end  simulation.End
		says string // "": nothing is wrong
	}{
		"success":                    {t.Context(), nil, simulation.Success, ""},
		"a failed job":               {t.Context(), failed, simulation.Failed, ""},
		"stopped":                    {t.Context(), unfinished, simulation.Stopped, ""},
		"stalled":                    {t.Context(), with(waiter.ErrStalled), simulation.Stalled, ""},
		"permanent":                  {t.Context(), with(&poller.Error{StatusCode: 403}), simulation.Permanent, ""},
		"canceled":                   {ended, with(context.Canceled, cause), simulation.Canceled, ""},
		"not found":                  {t.Context(), with(waiter.ErrNotFound, &poller.Error{StatusCode: 404}), simulation.NotFound, ""},
		"not found, no response":     {t.Context(), with(waiter.ErrNotFound), simulation.NotFound, "it lacks the response"},
		"two ends":                   {t.Context(), with(waiter.ErrStalled, waiter.ErrNotFound), "", "it matches all of"},
		"both":                       {t.Context(), with(failed), simulation.Failed, "both, or neither"},
		"neither":                    {t.Context(), errors.New(simulation.JobID), simulation.Stopped, "both, or neither"},
		"a failed job, and no error": {t.Context(), fmt.Errorf("%w: %s", waiter.ErrJobFailed, simulation.JobID), simulation.Failed, "a FailedError: false"},
		"unfinished, and no error":   {t.Context(), fmt.Errorf("%w: %s", waiter.ErrUnfinished, simulation.JobID), simulation.Stopped, "errors.Is ErrUnfinished"},
		"two lines":                  {t.Context(), fmt.Errorf("\n%w", unfinished), simulation.Stopped, "not a line about the job"},
		"a line about nothing":       {t.Context(), &waiter.UnfinishedError{}, simulation.Stopped, "not a line about the job"},
		"no job id":                  {t.Context(), &waiter.UnfinishedError{Last: job}, simulation.Stopped, "it has no job id"},
		"canceled, without a cause":  {ended, with(context.Canceled), simulation.Canceled, "it lacks the context's"},
		"canceled, and its failures": {ended, with(context.Canceled, cause, &poller.Error{StatusCode: 503}), simulation.Canceled, "the last poll's failure"},
	} {
		t.Run(name, func(t *testing.T) {
			end, wrong := simulation.Judge(test.ctx, test.err)
			require.Equal(t, test.end, end)
			if test.says == "" {
				require.Empty(t, wrong)
				return
			}
			require.Contains(t, strings.Join(wrong, "\n"), test.says)
		})
	}
}

func TestJudgeFailure(t *testing.T) {
	run := &simulation.Run{Polls: []simulation.Poll{{End: time.Minute}, {End: time.Hour, RequestID: "a"}}}
	right := waiter.FailedError{Elapsed: time.Hour - time.Second, RequestID: "a"}
	require.Empty(t, simulation.JudgeFailure(&right, run, time.Second))
	require.Empty(t, simulation.JudgeFailure(&waiter.FailedError{}, &simulation.Run{}, time.Second), "from a terminal checkpoint")
	for _, wrong := range []waiter.FailedError{{Elapsed: time.Hour, RequestID: "a"}, {Elapsed: right.Elapsed}} {
		require.NotEmpty(t, simulation.JudgeFailure(&wrong, run, time.Second))
	}
}
