// Command example is the provider of sfsturbo_ldap_config: the smallest complete one that changes
// something by a job of SFS Turbo.
package main

import (
	"context"
	"log"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/sfsturbo/waiter/integrations/terraform/example/sfsturbo"
)

func main() {
	options := providerserver.ServeOpts{Address: "registry.opentofu.org/sfsturbo/sfsturbo"}
	if err := providerserver.Serve(context.Background(), sfsturbo.New, options); err != nil {
		log.Fatal(err)
	}
}
