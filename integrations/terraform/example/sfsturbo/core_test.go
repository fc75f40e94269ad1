package sfsturbo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/sfsturbo/waiter/integrations/terraform/example/sfsturbo"
)

const resourceType = "sfsturbo_ldap_config"

// core does with the provider, in this process and over its protocol, what the real tool does with
// one resource. Its exported fields are the state file.
type core struct {
	State   []byte // in MessagePack; nil if there is no object
	Private []byte
	Tainted bool

	file     string // where the state is stored, after each step as the real tool does; "" is nowhere
	provider tfprotov6.ProviderServer
	config   tftypes.Value
	kind     tftypes.Object
	actions  []string
}

func newCore(ctx context.Context, file, endpoint, journal string, config map[string]tftypes.Value) (*core, error) {
	c := &core{file: file, provider: providerserver.NewProtocol6(sfsturbo.New())()}
	if data, err := os.ReadFile(file); err == nil {
		if err := json.Unmarshal(data, c); err != nil {
			return nil, err
		}
	}
	schemas, err := c.provider.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		return nil, err
	}
	c.kind, _ = schemas.ResourceSchemas[resourceType].ValueType().(tftypes.Object)
	settings := object(schemas.Provider.ValueType(), map[string]tftypes.Value{
		"endpoint": str(endpoint), "project_id": str(project), "token": str(token), "journal": str(journal),
	})
	sent, err := tfprotov6.NewDynamicValue(settings.Type(), settings)
	if err != nil {
		return nil, err
	}
	configured, err := c.provider.ConfigureProvider(ctx, &tfprotov6.ConfigureProviderRequest{Config: &sent})
	if err != nil {
		return nil, err
	}
	c.config = object(c.kind, config)
	return c, problems(configured.Diagnostics)
}

func str(s string) tftypes.Value { return tftypes.NewValue(tftypes.String, s) }

// object is a value with what is missing as null.
func object(kind tftypes.Type, set map[string]tftypes.Value) tftypes.Value {
	all := map[string]tftypes.Value{}
	o, _ := kind.(tftypes.Object)
	for name, attribute := range o.AttributeTypes {
		all[name] = tftypes.NewValue(attribute, nil)
		if v, ok := set[name]; ok {
			all[name] = v
		}
	}
	return tftypes.NewValue(kind, all)
}

// problems are the errors that the user reads; warnings are not among them.
func problems(diags []*tfprotov6.Diagnostic) error {
	var errs []error
	for _, d := range diags {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			errs = append(errs, fmt.Errorf("%s: %s: %s", d.Attribute, d.Summary, d.Detail))
		}
	}
	return errors.Join(errs...)
}

func (c *core) pack(v tftypes.Value) *tfprotov6.DynamicValue {
	packed, err := tfprotov6.NewDynamicValue(c.kind, v)
	if err != nil {
		panic(err)
	}
	return &packed
}

func (c *core) unpack(v *tfprotov6.DynamicValue) tftypes.Value {
	value, err := v.Unmarshal(c.kind)
	if err != nil {
		panic(err)
	}
	return value
}

func (c *core) null() tftypes.Value { return tftypes.NewValue(c.kind, nil) }

// prior is the object in the state.
func (c *core) prior() tftypes.Value {
	if c.State == nil {
		return c.null()
	}
	return c.unpack(&tfprotov6.DynamicValue{MsgPack: c.State})
}

func must(data []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return data
}

// store keeps what the provider returned, on disk too.
func (c *core) store(v *tfprotov6.DynamicValue, private []byte, tainted bool) {
	c.State, c.Private, c.Tainted = nil, nil, false
	if !c.unpack(v).IsNull() {
		c.State, c.Private, c.Tainted = v.MsgPack, private, tainted
	}
	if c.file == "" {
		return
	}
	if err := os.WriteFile(c.file+".new", must(json.Marshal(c)), 0o600); err != nil {
		panic(err)
	}
	if err := os.Rename(c.file+".new", c.file); err != nil {
		panic(err)
	}
}

// refresh reads what is in the state.
func (c *core) refresh(ctx context.Context) error {
	if c.State == nil {
		return nil
	}
	read, err := c.provider.ReadResource(ctx, &tfprotov6.ReadResourceRequest{TypeName: resourceType, CurrentState: c.pack(c.prior()), Private: c.Private})
	if err != nil {
		return err
	}
	if err := problems(read.Diagnostics); err != nil {
		return err
	}
	c.store(read.NewState, read.Private, c.Tainted)
	return nil
}

// apply refreshes, plans and makes the change that config wants.
func (c *core) apply(ctx context.Context) error {
	if err := c.refresh(ctx); err != nil {
		return err
	}
	prior, private := c.prior(), c.Private
	if c.Tainted { // planned like a new object: without what is stored of it
		prior, private = c.null(), nil
	}
	plan, err := c.plan(ctx, prior, private, c.config)
	if err != nil {
		return err
	}
	action := "create"
	switch planned := c.unpack(plan.PlannedState); {
	case c.Tainted:
		if err := c.change(ctx, "delete", c.prior(), c.pack(c.null()), plan.PlannedPrivate); err != nil {
			return err
		}
	case !prior.IsNull() && planned.Equal(prior):
		return nil
	case !prior.IsNull():
		action = "update"
	}
	return c.change(ctx, action, prior, plan.PlannedState, plan.PlannedPrivate)
}

func (c *core) destroy(ctx context.Context) error {
	if err := c.refresh(ctx); err != nil || c.State == nil {
		return err
	}
	plan, err := c.plan(ctx, c.prior(), c.Private, c.null())
	if err != nil {
		return err
	}
	return c.change(ctx, "delete", c.prior(), plan.PlannedState, plan.PlannedPrivate)
}

func (c *core) plan(ctx context.Context, prior tftypes.Value, private []byte, config tftypes.Value) (*tfprotov6.PlanResourceChangeResponse, error) {
	proposed := config
	if !config.IsNull() {
		proposed = c.proposed(prior)
	}
	plan, err := c.provider.PlanResourceChange(ctx, &tfprotov6.PlanResourceChangeRequest{
		TypeName: resourceType, PriorState: c.pack(prior), PriorPrivate: private, Config: c.pack(config), ProposedNewState: c.pack(proposed),
	})
	if err != nil {
		return nil, err
	}
	return plan, problems(plan.Diagnostics)
}

// proposed is the configuration, with the computed attributes of the state and no password.
func (c *core) proposed(prior tftypes.Value) tftypes.Value {
	var config, old map[string]tftypes.Value
	if err := c.config.As(&config); err != nil {
		panic(err)
	}
	config = maps.Clone(config)
	config["password"] = tftypes.NewValue(tftypes.String, nil)
	if !prior.IsNull() {
		if err := prior.As(&old); err != nil {
			panic(err)
		}
		config["bound"], config["job_id"] = old["bound"], old["job_id"]
	}
	return tftypes.NewValue(c.kind, config)
}

func (c *core) change(ctx context.Context, action string, prior tftypes.Value, planned *tfprotov6.DynamicValue, private []byte) error {
	c.actions = append(c.actions, action)
	config := c.config
	if action == "delete" {
		config = c.null()
	}
	done, err := c.provider.ApplyResourceChange(ctx, &tfprotov6.ApplyResourceChangeRequest{
		TypeName: resourceType, PriorState: c.pack(prior), PlannedState: planned, Config: c.pack(config), PlannedPrivate: private,
	})
	if err != nil {
		return err
	}
	err = problems(done.Diagnostics)
	c.store(done.NewState, done.Private, action == "create" && err != nil)
	return err
}
