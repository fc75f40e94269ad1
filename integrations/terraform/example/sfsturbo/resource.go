package sfsturbo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/sfsturbo/waiter/integrations/terraform"
)

// ldapConfig is sfsturbo_ldap_config.
type ldapConfig struct{ *service }

const timeout = 10 * time.Minute // unless the resource sets another one

func (*ldapConfig) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "sfsturbo_ldap_config"
}

func (r *ldapConfig) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	r.service, _ = req.ProviderData.(*service) // nil while Terraform only validates
}

// ModifyPlan plans an update where an earlier apply did not see the end of its job.
func (r *ldapConfig) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	if req.State.Raw.IsNull() {
		var plan ldapModel
		resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
		change := r.bind(plan, plan, ldapModel{})
		resp.Diagnostics.Append(terraform.PlanCreate(ctx, resp.Private, change.Object, change.Intent)...)
		return
	}
	var bound types.Bool
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("bound"), &bound)...)
	pending, diags := terraform.Pending(ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	if pending != "" || !bound.ValueBool() {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("bound"), types.BoolUnknown())...)
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("job_id"), types.StringUnknown())...)
	}
}

func (r *ldapConfig) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan, config ldapModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	limit, diags := plan.Timeouts.Create(ctx, timeout)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	change := r.bind(plan, config, ldapModel{})
	change.Private, change.Timeout, change.Creates = resp.Private, limit, true
	result, diags := r.runner.Run(ctx, change)
	resp.Diagnostics.Append(diags...)
	if result.End == terraform.Done || result.End == terraform.Unfinished {
		resp.Diagnostics.Append(resp.State.Set(ctx, plan.after(result))...)
	}
}

func (r *ldapConfig) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state ldapModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	pending, diags := terraform.Pending(ctx, req.Private)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() || pending != "" {
		return
	}
	shown, err := r.show(ctx, state.ShareID.ValueString())
	switch {
	case err != nil:
		resp.Diagnostics.AddError("Cannot read what the file system is bound to", err.Error())
	case shown == nil:
		resp.State.RemoveResource(ctx)
	default:
		state.URL, state.BaseDN, state.Bound = types.StringValue(shown.URL), types.StringValue(shown.BaseDN), types.BoolValue(true)
		if shown.UserDN != state.UserDN.ValueString() {
			state.UserDN = types.StringValue(shown.UserDN)
		}
		resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
	}
}

func (r *ldapConfig) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, config, state ldapModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	limit, diags := plan.Timeouts.Update(ctx, timeout)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	change := r.bind(plan, config, state)
	change.Private, change.Timeout = resp.Private, limit
	result, diags := r.runner.Run(ctx, change)
	resp.Diagnostics.Append(diags...)
	if result.End == terraform.Done {
		state = plan.after(result)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

func (r *ldapConfig) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state ldapModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	limit, diags := state.Timeouts.Delete(ctx, timeout)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	share := state.ShareID.ValueString()
	change := terraform.Change{
		Object: share + "/ldap", JobType: "unbind_ldap", Intent: "unbind",
		Private: resp.Private, Timeout: limit,
		Submit: func(ctx context.Context, _ terraform.Attempt) (string, error) {
			if bound, err := r.show(ctx, share); err != nil {
				return "", fmt.Errorf("%w: %w", terraform.ErrNotStarted, err)
			} else if bound == nil {
				return "", nil
			}
			return r.submit(ctx, http.MethodDelete, share, nil)
		},
	}
	if !state.Bound.ValueBool() {
		bind := r.bind(state, state, ldapModel{})
		change.Left = terraform.Left{JobID: state.JobID.ValueString(), JobType: bind.JobType, Intent: bind.Intent}
	}
	_, diags = r.runner.Run(ctx, change)
	resp.Diagnostics.Append(diags...)
}

func (*ldapConfig) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("share_id"), req, resp)
}

// after is the state after a change: the plan, with what was not known yet.
func (m ldapModel) after(result terraform.Result) ldapModel {
	m.Bound = types.BoolValue(result.End == terraform.Done)
	m.JobID = types.StringValue(result.Job.ID)
	m.Password = types.StringNull()
	return m
}

// bind is the change that binds a share as planned. Its intent has the latest job before it, so
// that going back to an earlier plan is not taken for that earlier change. It has no password.
func (r *ldapConfig) bind(plan, config, state ldapModel) terraform.Change {
	want := binding{plan.URL.ValueString(), plan.BaseDN.ValueString(), plan.UserDN.ValueString(), config.Password.ValueString()}
	intent := []any{want.visible(), plan.PasswordVersion.ValueInt64()}
	if state.Bound.ValueBool() {
		intent = append(intent, state.JobID.ValueString())
	}
	text, _ := json.Marshal(intent) //nolint:errchkjson // strings and numbers only
	share := plan.ShareID.ValueString()
	return terraform.Change{
		Object: share + "/ldap", JobType: "bind_ldap", Intent: string(text), Attributes: atFault, Secrets: []string{want.Password},
		Holds: func(ctx context.Context) (bool, error) {
			bound, err := r.show(ctx, share)
			return bound != nil && *bound == want.visible(), err
		},
		Submit: func(ctx context.Context, before terraform.Attempt) (string, error) {
			bound, err := r.show(ctx, share)
			switch {
			case err != nil:
				return "", fmt.Errorf("%w: %w", terraform.ErrNotStarted, err)
			case bound == nil:
				return r.submit(ctx, http.MethodPost, share, &want)
			case before == terraform.None && state.ShareID.IsNull():
				return "", fmt.Errorf("%w: file system %s is bound to %s already; import it: its import id is the file system's", terraform.ErrNotStarted, share, bound.URL)
			}
			return r.submit(ctx, http.MethodPut, share, &want)
		},
	}
}
