// Package sfsturbo is a provider with one resource, sfsturbo_ldap_config: an LDAP server that a
// file system of SFS Turbo is bound to.
package sfsturbo

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/integrations/terraform"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
)

type sfsTurbo struct{}

// New returns the provider.
func New() provider.Provider { return sfsTurbo{} }

func (sfsTurbo) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "sfsturbo"
}

func (sfsTurbo) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		Description: "SFS Turbo. What is not set here is taken from the environment.",
		Attributes: map[string]schema.Attribute{
			"endpoint":   schema.StringAttribute{Optional: true, Description: "The service's address. With it, project_id and token are needed too."},
			"project_id": schema.StringAttribute{Optional: true},
			"token":      schema.StringAttribute{Optional: true, Sensitive: true},
			"journal":    schema.StringAttribute{Optional: true, Description: "The folder of the journal of jobs; sfsturbo-jobs in Terraform's data unless set."},
		},
	}
}

type settings struct {
	Endpoint  types.String `tfsdk:"endpoint"`
	ProjectID types.String `tfsdk:"project_id"`
	Token     types.String `tfsdk:"token"`
	Journal   types.String `tfsdk:"journal"`
}

func (sfsTurbo) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var set settings
	if resp.Diagnostics.Append(req.Config.Get(ctx, &set)...); resp.Diagnostics.HasError() {
		return
	}
	s, err := configure(set)
	if err != nil {
		resp.Diagnostics.AddError("The provider's configuration is not usable", err.Error())
		return
	}
	resp.ResourceData = s
}

func configure(set settings) (*service, error) {
	s := &service{runner: &terraform.Runner{Secrets: []string{set.Token.ValueString()}}}
	var err error
	if set.Endpoint.IsNull() {
		if s.credential, err = credential.FromEnv(); err == nil {
			s.client, err = poller.FromEnv(poller.WithCredential(s.credential))
		}
	} else {
		s.credential = credential.Token(set.Token.ValueString())
		s.client, err = poller.New(set.Endpoint.ValueString(), set.ProjectID.ValueString(), poller.WithCredential(s.credential))
	}
	if err != nil {
		return nil, err
	}
	if s.runner.Waiter, err = waiter.New(s.client); err != nil {
		return nil, err
	}
	s.runner.Journal, err = terraform.OpenJournal(set.Journal.ValueString())
	return s, err
}

func (sfsTurbo) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{func() resource.Resource { return &ldapConfig{} }}
}

func (sfsTurbo) DataSources(context.Context) []func() datasource.DataSource { return nil }
