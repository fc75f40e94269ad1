package terraform

import (
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"

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
