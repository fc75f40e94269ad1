package terraform

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/status"
)

// secrets are what no log and no diagnostic may show. An empty string is no secret.
func (r *Runner) secrets(c Change) []string {
	return slices.DeleteFunc(slices.Concat(r.Secrets, c.Secrets), func(s string) bool { return s == "" })
}

func (r *Runner) masked(ctx context.Context, c Change) context.Context {
	if secrets := r.secrets(c); len(secrets) > 0 {
		ctx = tflog.MaskLogStrings(ctx, secrets...)
	}
	return ctx
}

// logged logs each transition: a failure as a warning, everything else as information.
func logged(ctx context.Context, jobType string) waiter.Option {
	return waiter.OnTransition(func(t status.Transition) {
		fields := map[string]any{"job_id": t.JobID, "job_type": jobType, "from": string(t.From), "to": string(t.To)}
		what := "job is " + string(t.To)
		if t.IsSubJob() {
			fields["sub_job"], what = t.SubJob, "sub-job is "+string(t.To)
		}
		if t.To != status.Failed {
			tflog.Info(ctx, what, fields)
			return
		}
		fields["error_code"], fields["fail_reason"] = t.Job.ErrorCode, t.Job.FailReason
		tflog.Warn(ctx, what, fields)
	})
}
