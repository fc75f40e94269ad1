package main_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/retry"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/integrations/terraform"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// refreshed is what a provider on the older SDK does.
func refreshed(t *testing.T, server *pollertest.Server, last status.Job) (any, error) {
	t.Cleanup(server.Close)
	endpoint, client := server.Memory()
	p, err := poller.New(endpoint, "p", poller.WithHTTPClient(client), poller.WithCredential(credential.Token("t")))
	require.NoError(t, err)
	w, err := waiter.New(p)
	require.NoError(t, err)
	id := server.Add(pollertest.Script{Steps: []pollertest.Step{{Job: status.Job{Status: status.Running}}, {After: 10 * time.Minute, Job: last}}})
	conf := retry.StateChangeConf{
		Pending: []string{"pending"}, Target: []string{"success"}, Timeout: time.Hour, PollInterval: time.Second,
		Refresh: terraform.StateRefresh(t.Context(), w, id),
	}
	return conf.WaitForStateContext(t.Context())
}

func TestStateRefresh(t *testing.T) {
	t.Run("polls through a bad gateway, when the next poll is due, and returns the job", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server := pollertest.New(pollertest.WithProject("p"))
			server.Fail(pollertest.Rule{Call: pollertest.Poll, Skip: 2, Times: 1, Status: 502})
			job, err := refreshed(t, server, status.Job{Status: status.Success})
			require.NoError(t, err)
			require.Equal(t, status.Success, job.(status.Job).Status)
			require.Less(t, len(server.Requests()), 100, "of 600 calls")
		})
	})
	t.Run("keeps code, reason and sub-jobs of a failure", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, err := refreshed(t, pollertest.New(pollertest.WithProject("p")), status.Job{
				Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "binding LDAP failed",
				SubJobs: []status.Job{{Type: "check_ldap", Status: status.Failed, ErrorCode: "SFS.TURBO.0101", FailReason: "no response"}},
			})
			require.ErrorContains(t, err, "SFS.TURBO.0100: binding LDAP failed")
			require.ErrorContains(t, err, "SFS.TURBO.0101: no response")
		})
	})
}
