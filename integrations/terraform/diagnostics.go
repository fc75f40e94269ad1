package terraform

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/internal/wire"
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
	var hidden diag.Diagnostics
	for _, d := range diags {
		summary, detail := a.mask(d.Summary()), a.mask(d.Detail())
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

func (a *run) secrets() []string { return slices.Concat(a.Runner.Secrets, a.Change.Secrets) }

func (a *run) mask(text string) string { return wire.Mask(text, a.secrets()...) }

// masked masks the secrets in what Submit and Holds log. tflog looks for given texts only: as it
// is, on one line, in quotes, in JSON, in a URL and in base64. The longest come first, because one
// may begin with another.
func (a *run) masked(ctx context.Context) context.Context {
	secrets := a.secrets()
	for _, s := range secrets {
		if line := wire.Line(s, len(s)); line != s {
			secrets = append(secrets, line)
		}
	}
	var forms []string
	for _, s := range secrets {
		if s == "" {
			continue
		}
		quoted := strconv.Quote(s)
		encoded, _ := json.Marshal(s) //nolint:errchkjson // a string never fails
		forms = append(forms, s, quoted[1:len(quoted)-1], string(encoded[1:len(encoded)-1]),
			url.QueryEscape(s), url.PathEscape(s), base64.StdEncoding.EncodeToString([]byte(s)))
	}
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	return tflog.MaskLogStrings(ctx, forms...)
}

// logged logs each transition: a failure as a warning, everything else as information.
func (a *run) logged(ctx context.Context) waiter.Option {
	return waiter.OnTransition(func(t status.Transition) {
		fields := map[string]any{"job_id": t.JobID, "job_type": a.now.JobType, "from": string(t.From), "to": string(t.To)}
		what := "job is " + string(t.To)
		if t.IsSubJob() {
			fields["sub_job"], what = a.mask(t.SubJob), "sub-job is "+string(t.To)
		}
		if t.To != status.Failed {
			tflog.Info(ctx, what, fields)
			return
		}
		fields["error_code"], fields["fail_reason"] = a.mask(t.Job.ErrorCode), a.mask(t.Job.FailReason)
		tflog.Warn(ctx, what, fields)
	})
}
