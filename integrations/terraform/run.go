package terraform

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/status"
)

// run is one Change on its way.
type run struct {
	*Runner
	Change

	page  *page
	found *record // of an earlier attempt that has not ended well; nil if there is none
	now   *record // of this one
	diags diag.Diagnostics
}

// Run makes a change: it goes on with the job of an earlier attempt if there is one, submits a job
// otherwise, and waits for it. The diagnostics have an error unless the end is [Done], or the
// change Creates and was interrupted. What to return as the state:
//
//   - [Done]: the object as wanted.
//   - [Unfinished] of a Create: the plan, with what shows that the job has not ended; of an Update
//     or Delete the prior state.
//   - The others: no state of a Create; the prior state of an Update or Delete.
func (r *Runner) Run(ctx context.Context, c Change) (Result, diag.Diagnostics) {
	a := &run{Runner: r, Change: c}
	ctx, cancel := context.WithTimeout(a.masked(ctx), c.Timeout)
	defer cancel()
	result := a.run(ctx)
	return result, a.hide(a.diags)
}

func (a *run) run(ctx context.Context) Result {
	kept, diags := a.Private.GetKey(ctx, privateKey)
	a.diags.Append(diags...)
	stored := decode(kept)
	if left := a.left(); stored == nil && left != nil {
		if a.recreated(ctx) {
			a.handed.Store(a.Object, left)
			return Result{End: Done, Job: status.Job{ID: left.JobID}}
		}
		stored = left
	}
	if left, ok := a.handed.LoadAndDelete(a.Object); ok {
		stored, _ = left.(*record)
	}
	page, noted, err := a.Journal.open(ctx, a.Object)
	if err != nil {
		a.diags.AddError("No job was started", err.Error())
		if stored.pending() {
			return Result{End: Unfinished, Job: status.Job{ID: stored.JobID}}
		}
		return Result{End: NotStarted}
	}
	defer page.close()
	a.page, a.found = page, noted
	if stored != nil && (noted == nil || stored.JobID == noted.JobID || !noted.At.After(stored.At)) {
		a.found = stored
	}
	before, end := a.settle(ctx, a.found == stored)
	if end != nil {
		return *end
	}
	return a.submit(ctx, before)
}

// settle waits for the job of an earlier attempt, and returns how the change ended if that decides
// it, otherwise what is known for the next submit.
func (a *run) settle(ctx context.Context, trusted bool) (Attempt, *Result) {
	found := a.found
	switch {
	case found == nil:
		return None, nil
	case found.Done && found.Intent != a.Intent:
		a.found = nil
		return None, nil
	case !found.pending() && found.Intent == a.Intent:
		return Same, nil
	case !found.pending():
		return Another, nil
	}
	a.now = found
	a.diags.Append(remember(ctx, a.Private, found)...)
	job, err := a.wait(ctx)
	same := found.Intent == a.Intent
	switch {
	case errors.Is(err, waiter.ErrNotFound), errors.Is(err, waiter.ErrDisappeared):
		a.diags.AddWarning("The service no longer knows job "+found.JobID, err.Error())
	case err != nil && !errors.Is(err, waiter.ErrJobFailed):
		return None, a.unfinished(job, err)
	case same && err != nil:
		return None, a.failed(ctx, job, err)
	case same && trusted:
		return None, a.done(ctx, job)
	case err != nil:
		a.diags.AddWarning(summary(found.JobType, job), err.Error())
	}
	a.diags.Append(remember(ctx, a.Private, nil)...)
	next := *found
	if next.Done = same && err == nil; !next.Done {
		next.JobID = "" // it is not waited for again
	}
	// The journal may be older than the state: whether the change still stands is for the service to
	// say.
	if a.found = &next; same {
		return Same, nil
	}
	return Another, nil
}

// await records the job that was just submitted, and waits for it.
func (a *run) await(ctx context.Context, id string) Result {
	a.now.JobID = id
	if err := a.page.write(a.now); err != nil {
		a.diags.AddWarning("The job's id is not in the journal", fmt.Sprintf("Job %s: %v. The state will have it, unless this process is killed.", id, err))
	}
	a.diags.Append(remember(ctx, a.Private, a.now)...)
	job, err := a.wait(ctx)
	switch {
	case err == nil:
		return *a.done(ctx, job)
	case errors.Is(err, waiter.ErrJobFailed):
		return *a.failed(ctx, job, err)
	}
	return *a.unfinished(job, err)
}

func (a *run) wait(ctx context.Context) (status.Job, error) {
	return a.Waiter.Wait(ctx, a.now.JobID, waiter.WithJobType(a.now.JobType), a.logged(ctx))
}

func (a *run) done(ctx context.Context, job status.Job) *Result {
	a.diags.Append(remember(ctx, a.Private, nil)...)
	// The state is stored only after the provider has returned: until the next attempt the journal
	// says that this one is done.
	a.clear(&record{Version: 1, Intent: a.Intent, JobType: a.JobType, JobID: job.ID, Done: true, At: time.Now()})
	return &Result{Done, job}
}

func (a *run) failed(ctx context.Context, job status.Job, err error) *Result {
	a.diags.Append(remember(ctx, a.Private, nil)...)
	a.clear(nil)
	a.fault(summary(a.now.JobType, job), err.Error()+" by applying again", codes(job)...)
	return &Result{JobFailed, job}
}

func (a *run) clear(r *record) {
	if err := a.page.write(r); err != nil {
		a.diags.AddWarning("The journal of jobs is out of date", err.Error())
	}
}

// unfinished leaves the records: the next attempt goes on with the job.
func (a *run) unfinished(job status.Job, err error) *Result {
	what := "job " + a.now.JobID + " may go on"
	switch waiter.Outcome(err) {
	case "canceled":
		what = "Interrupted: " + a.now.JobType + " " + what
	case "timeout":
		what = fmt.Sprintf("Not done within the timeout of %s: %s %s", a.Timeout, a.now.JobType, what)
	default:
		what = "Cannot wait any longer: " + a.now.JobType + " " + what
	}
	// The advice is a program's: to Terraform's user it means this.
	detail := strings.Replace(err.Error(), "wait again with the same job id", "apply again", 1) +
		"\n\nIts id is recorded: the next apply or destroy goes on with it."
	if a.Creates && waiter.Outcome(err) == "canceled" {
		a.diags.AddWarning(what, detail)
		return &Result{Unfinished, job}
	}
	if a.Creates {
		detail += " The plan will say that the resource is tainted and must be replaced: it is not, if what is wanted stays the same."
	}
	a.diags.AddError(what, detail)
	return &Result{Unfinished, job}
}
