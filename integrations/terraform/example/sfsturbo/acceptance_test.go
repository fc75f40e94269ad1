package sfsturbo_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/integrations/terraform/example/sfsturbo"
	"github.com/sfsturbo/waiter/poller/pollertest"
)

const address = "sfsturbo_ldap_config.this"

// accept runs steps with the real tool, offline; the provider is in this process.
func accept(t *testing.T, server *pollertest.Server, steps ...resource.TestStep) {
	tofu(t)
	empty := filepath.Join(t.TempDir(), "empty.tfrc")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	t.Setenv("TF_ACC", "1")
	t.Setenv("TF_CLI_CONFIG_FILE", empty)
	t.Setenv("TF_ACC_PROVIDER_HOST", "registry.opentofu.org")
	t.Setenv("TF_ACC_PROVIDER_NAMESPACE", "sfsturbo")
	t.Setenv("TF_VAR_token", token)
	t.Setenv("TF_VAR_password", password)
	t.Setenv("TF_DATA_DIR", t.TempDir()) // of the journal: the provider is in this process
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: map[string]func() (tfprotov6.ProviderServer, error){
			"sfsturbo": providerserver.NewProtocol6WithError(sfsturbo.New()),
		},
		Steps: steps,
		CheckDestroy: func(*terraform.State) error {
			require.Empty(t, bindings(t, server))
			return nil
		},
	})
}

func TestAcceptance(t *testing.T) {
	server := service(t)
	endpoint := server.Start()
	quick := func(jobType string) { server.Script(jobType, lasting(200*time.Millisecond, succeeds)) }
	quick("update_ldap")
	quick("unbind_ldap")
	config := func(url, timeout string) string { return configured(endpoint, url, timeout) }
	bound := resource.ComposeTestCheckFunc(
		resource.TestCheckResourceAttr(address, "bound", "true"),
		resource.TestCheckNoResourceAttr(address, "password"),
	)
	accept(t, server,
		resource.TestStep{
			PreConfig:   func() { server.Script("bind_ldap", lasting(200*time.Millisecond, fails)) },
			Config:      config("ldap://x", "1m"),
			ExpectError: regexp.MustCompile(`(?s)bind_ldap job failed: SFS\.TURBO\.0100.*url\s+= "ldap://x".*SFS\.TURBO\.0101:\s+cannot\s+bind\s+with\s+\[redacted\]`),
		},
		resource.TestStep{
			PreConfig:   func() { server.Script("bind_ldap", lasting(3*time.Second, succeeds)) },
			Config:      config("ldap://x", "1s"),
			ExpectError: regexp.MustCompile(`Not done within the timeout of 1s: bind_ldap job\s+\S+\s+may go on`),
		},
		resource.TestStep{
			PreConfig: func() { server.Fail(pollertest.Rule{Call: pollertest.Poll, Times: 2, Status: 503}) },
			Config:    config("ldap://x", "1m"),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(address, plancheck.ResourceActionDestroyBeforeCreate),
			}},
			Check: bound,
		},
		resource.TestStep{
			PreConfig: func() {
				require.Len(t, submitted(server)["POST"], 2, "one failed, and one was gone on with after its timeout")
				require.Empty(t, submitted(server)["DELETE"])
			},
			Config: config("ldap://y", "1m"),
			Check:  bound,
		},
		resource.TestStep{
			ResourceName: address, ImportState: true, ImportStateId: "a-share", ImportStateVerify: true,
			ImportStateVerifyIdentifierAttribute: "share_id",
			ImportStateVerifyIgnore:              []string{"job_id", "password_version", "timeouts"},
		},
	)
	require.Len(t, submitted(server)["PUT"], 1)
	require.Len(t, submitted(server)["DELETE"], 1)
}
