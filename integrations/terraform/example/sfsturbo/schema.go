package sfsturbo

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// ldapModel is the resource's configuration, plan and state.
type ldapModel struct {
	ShareID         types.String   `tfsdk:"share_id"`
	URL             types.String   `tfsdk:"url"`
	BaseDN          types.String   `tfsdk:"base_dn"`
	UserDN          types.String   `tfsdk:"user_dn"`
	Password        types.String   `tfsdk:"password"`
	PasswordVersion types.Int64    `tfsdk:"password_version"`
	Bound           types.Bool     `tfsdk:"bound"`
	JobID           types.String   `tfsdk:"job_id"`
	Timeouts        timeouts.Value `tfsdk:"timeouts"`
}

// atFault are the attributes that a code blames.
var atFault = map[string]path.Path{
	"SFS.TURBO.0101": path.Root("url"), // the LDAP server does not respond
}

func (*ldapConfig) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		Description: "The LDAP server that a file system is bound to.",
		Attributes: map[string]schema.Attribute{
			"share_id": schema.StringAttribute{
				Required:      true,
				Description:   "The file system's id.",
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"url":     schema.StringAttribute{Required: true, Description: "The LDAP server, such as ldap://192.168.0.10:389."},
			"base_dn": schema.StringAttribute{Required: true, Description: "Where to search, such as dc=example,dc=com."},
			"user_dn": schema.StringAttribute{Optional: true, Description: "Who searches."},
			"password": schema.StringAttribute{
				Optional: true, Sensitive: true, WriteOnly: true,
				Description: "Of user_dn. It is in no plan and no state: to change it, change password_version too.",
			},
			"password_version": schema.Int64Attribute{Optional: true, Description: "Any number that changes with the password."},
			"bound":            schema.BoolAttribute{Computed: true, Description: "Whether the binding job has succeeded; false after an apply that was interrupted."},
			"job_id":           schema.StringAttribute{Computed: true, Description: "The latest job."},
			"timeouts":         timeouts.Attributes(ctx, timeouts.Opts{Create: true, Update: true, Delete: true}),
		},
	}
}
