package terraform

import (
	"context"
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/status"
)

// fault adds an error, at the attribute that one of the codes blames.
func (a *run) fault(what, detail string, codes ...string) {
	for _, code := range codes {
		if at, ok := a.Attributes[code]; ok && code != "" {
			a.diags.AddAttributeError(at, what, detail)
			return
		}
	}
	a.diags.AddError(what, detail)
}

// codes are a failed job's, the more specific ones first.
func codes(job status.Job) []string {
	var all []string
	for _, sub := range job.SubJobs {
		if sub.Status == status.Failed {
			all = append(all, sub.ErrorCode)
		}
	}
	return append(all, job.ErrorCode)
}

func summary(jobType string, job status.Job) string {
	text := "The " + jobType + " job failed"
	if job.ErrorCode != "" {
		text += ": " + job.ErrorCode
	}
	return text
}

// hide masks the secrets: a job's reason is the service's text, and may repeat what was sent.
func (a *run) hide(diags diag.Diagnostics) diag.Diagnostics {
	var pairs []string
	for _, secret := range a.secrets(a.Change) {
		pairs = append(pairs, secret, "***")
	}
	mask := strings.NewReplacer(pairs...)
	var hidden diag.Diagnostics
	for _, d := range diags {
		summary, detail := mask.Replace(d.Summary()), mask.Replace(d.Detail())
		masked := diag.Diagnostic(diag.NewErrorDiagnostic(summary, detail))
		if d.Severity() == diag.SeverityWarning {
			masked = diag.NewWarningDiagnostic(summary, detail)
		}
		if at, ok := d.(diag.DiagnosticWithPath); ok {
			masked = diag.WithPath(at.Path(), masked)
		}
		hidden.Append(masked)
	}
	return hidden
}

// secrets are what no log and no diagnostic may show: as it is, in quotes, in a URL and in base64.
// The longest come first, because one may begin with another.
func (r *Runner) secrets(c Change) (forms []string) {
	for _, s := range slices.Concat(r.Secrets, c.Secrets) {
		if s == "" {
			continue
		}
		quoted := strconv.Quote(s)
		forms = append(forms, s, quoted[1:len(quoted)-1], url.QueryEscape(s), url.PathEscape(s), base64.StdEncoding.EncodeToString([]byte(s)))
	}
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	return forms
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
