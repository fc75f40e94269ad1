package huaweicloud_test

import (
	"context"
	"fmt"
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/config"
	sfsturbo "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/sfsturbo/v1"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/sfsturbo/v1/model"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/integrations/huaweicloud"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// Binds an LDAP server with the SDK's client, and awaits the job through it. The
// service is the built-in one: for the real one, build the client WithRegion.
func ExampleNew() {
	service := pollertest.New(pollertest.WithAccessKey("AKEXAMPLE0000000000", "SKEXAMPLEsecretsecretsecret00000"))
	defer service.Close()
	service.Script("bind_ldap", pollertest.Script{Steps: []pollertest.Step{
		{Job: status.Job{Status: status.Running}},
		{After: 500 * time.Millisecond, Job: status.Job{Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "LDAP server unreachable"}},
	}})

	keys, err := basic.NewCredentialsBuilder().WithAk("AKEXAMPLE0000000000").WithSk("SKEXAMPLEsecretsecretsecret00000").
		WithProjectId("0970dd7a1300f5672ff2c003c60ae115").SafeBuild()
	if err != nil {
		fmt.Println(err)
		return
	}
	hc, err := sfsturbo.SFSTurboClientBuilder().WithEndpoint(service.Start()).WithCredential(keys).
		WithHttpConfig(config.DefaultHttpConfig().WithTimeout(15 * time.Second)).SafeBuild()
	if err != nil {
		fmt.Println(err)
		return
	}
	client := sfsturbo.NewSFSTurboClient(hc)

	p, err := huaweicloud.New(client)
	if err != nil {
		fmt.Println(err)
		return
	}
	w, err := waiter.New(p, waiter.OnTransition(func(t status.Transition) { fmt.Println(t.From, "->", t.To) }))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	job, err := w.Run(ctx, func(context.Context) (string, error) {
		answer, err := client.CreateLdapConfig(&model.CreateLdapConfigRequest{
			ShareId: "77ba6f4b-6365-4895-8dda-bc7142af4dde",
			Body:    &model.CreateLdapConfigRequestBody{Url: "ldap://192.168.0.10:389", BaseDn: "dc=example,dc=com"},
		})
		if err != nil {
			return "", err
		}
		return *answer.JobId, nil
	})
	fmt.Println(job.Type, job.Status, job.ErrorCode, job.FailReason, err != nil)
	// Output:
	//  -> running
	// running -> failed
	// bind_ldap failed SFS.TURBO.0100 LDAP server unreachable true
}
