package terraform

import (
	"context"

	"github.com/sfsturbo/waiter"
)

// StateRefresh is a retry.StateRefreshFunc of terraform-plugin-sdk: it follows a job from one call
// to the next. A failed job, and a wait that has ended otherwise, is an error with code, reason and
// sub-jobs, which StateChangeConf returns as it is; a failed poll that may pass is not. Set
// Pending: []string{"pending"}, Target: []string{"success"}. A call polls only when the next poll
// is due, so PollInterval may be short: a second is fine. It is for one wait, and one caller at a
// time. The result is a status.Job.
func StateRefresh(ctx context.Context, w *waiter.Waiter, jobID string, opts ...waiter.Option) func() (any, string, error) {
	p := waiter.Progress{JobID: jobID}
	return func() (any, string, error) {
		next, err := w.Step(ctx, p, opts...)
		p = next
		switch {
		case err != nil:
			return p.Job, "failed", err
		case p.Done:
			return p.Job, "success", nil
		}
		return p.Job, "pending", nil
	}
}
