package terraform

import (
	"context"
	"encoding/json"

	"github.com/hashicorp/terraform-plugin-framework/diag"
)

// planKey is where the private state of a planned Create says what it is for.
const planKey = "sfsturbo_create"

// Left is the job of a Create that ended with an error before the job's end. Terraform taints what
// such a Create returns, plans to replace it, and then gives Delete the private state of the Create
// that follows instead of the object's own. So Delete takes the job from the state.
type Left struct{ JobID, JobType, Intent string }

type plannedCreate struct{ Object, Intent string }

// PlanCreate is for ModifyPlan, where a resource is planned to be created: object and intent are
// those of its Change. It tells a Delete that comes before this Create, of a tainted object, that
// both are for the same. Then Delete has nothing to do, and the Create goes on with the job. If
// they differ, Delete waits for the job and undoes what it did.
func PlanCreate(ctx context.Context, p Private, object, intent string) diag.Diagnostics {
	data, err := json.Marshal(plannedCreate{object, intent})
	if err != nil {
		return diag.Diagnostics{diag.NewErrorDiagnostic("Cannot plan the creation of "+object, err.Error())}
	}
	return p.SetKey(ctx, planKey, data)
}

// left returns the record of a job that only the state remembers.
func (a *run) left() *record { // its time is zero: what the journal says is newer
	if a.Left.JobID == "" {
		return nil
	}
	return &record{Version: 1, Intent: a.Left.Intent, JobType: a.Left.JobType, JobID: a.Left.JobID}
}

// recreated reports whether a Create follows this Delete that goes on with the job.
func (a *run) recreated(ctx context.Context) bool {
	data, diags := a.Private.GetKey(ctx, planKey)
	a.diags.Append(diags...)
	var planned plannedCreate
	return json.Unmarshal(data, &planned) == nil && planned == plannedCreate{a.Object, a.Left.Intent}
}
