package huaweicloud_test

import (
	"testing"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/sfsturbo/v1/model"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// The SDK's calls that start a job, with signed bodies, and what it reads of the responses.
func TestCallsThatStartAJob(t *testing.T) {
	server := service(t)
	sdk := client(t, server.Start())
	p := through(t, sdk)
	for _, jobType := range []string{"bind_ldap", "update_ldap", "unbind_ldap", "add_ad_domain", "change_ad_domain", "quit_ad_domain"} {
		server.Script(jobType, pollertest.Script{Steps: []pollertest.Step{{Job: status.Job{Status: status.Success}}}})
	}
	const share = "a-share"
	url := "ldap://192.168.0.10:389"
	domain := model.AddActiveDirectoryDomainRequestBody{ServiceAccount: "admin", Password: "p", DomainName: "例.com", SystemName: "s", DnsServer: []string{"10.0.0.1"}}
	for _, call := range []struct {
		jobType string
		status  int
		submit  func() (jobID *string, status int, err error)
	}{
		{"bind_ldap", 200, func() (*string, int, error) {
			r, err := sdk.CreateLdapConfig(&model.CreateLdapConfigRequest{ShareId: share, Body: &model.CreateLdapConfigRequestBody{Url: url, BaseDn: "dc=例,dc=com"}})
			return r.JobId, r.HttpStatusCode, err
		}},
		{"update_ldap", 200, func() (*string, int, error) {
			r, err := sdk.UpdateLdapConfig(&model.UpdateLdapConfigRequest{ShareId: share, Body: &model.UpdateLdapConfigRequestBody{Url: &url}})
			return r.JobId, r.HttpStatusCode, err
		}},
		{"unbind_ldap", 200, func() (*string, int, error) {
			r, err := sdk.DeleteLdapConfig(&model.DeleteLdapConfigRequest{ShareId: share})
			return r.JobId, r.HttpStatusCode, err
		}},
		{"add_ad_domain", 202, func() (*string, int, error) {
			r, err := sdk.AddActiveDirectoryDomain(&model.AddActiveDirectoryDomainRequest{ShareId: share, Body: &domain})
			return r.JobId, r.HttpStatusCode, err
		}},
		{"change_ad_domain", 202, func() (*string, int, error) {
			change := model.UpdateActiveDirectoryDomainRequestBody(domain)
			r, err := sdk.UpdateActiveDirectoryDomain(&model.UpdateActiveDirectoryDomainRequest{ShareId: share, Body: &change})
			return r.JobId, r.HttpStatusCode, err
		}},
		{"quit_ad_domain", 202, func() (*string, int, error) {
			r, err := sdk.DeleteActiveDirectoryDomain(&model.DeleteActiveDirectoryDomainRequest{ShareId: share, Body: &model.DeleteActiveDirectoryDomainRequestBody{ServiceAccount: "admin", Password: "p"}})
			return r.JobId, r.HttpStatusCode, err
		}},
	} {
		id, code, err := call.submit()
		require.NoError(t, err, call.jobType)
		require.Equal(t, call.status, code)
		requests := server.Requests()
		started := requests[len(requests)-1]
		require.True(t, started.Authorized)
		if code == 202 {
			// These send jobId; the SDK follows the page and looks for job_id.
			require.Nil(t, id)
			id = &started.JobID
		}
		require.Equal(t, started.JobID, *id)
		reply, err := p.Poll(t.Context(), *id)
		require.NoError(t, err)
		require.Equal(t, call.jobType, reply.Job.Type)
	}
}
