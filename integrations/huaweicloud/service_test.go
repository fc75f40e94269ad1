package huaweicloud_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/config"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/sfsturbo/v1/model"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// The SDK's own types read the responses of pollertest, and find in them what Client does.
func TestTheSDKReadsTheSameJob(t *testing.T) {
	server := service(t)
	sdk := client(t, server.Start())
	id := server.Add(pollertest.Script{Type: "bind_ldap", Steps: []pollertest.Step{{Job: status.Job{
		Status: status.Failed, BeginTime: "2023-07-26 09:33:58", EndTime: "2023-07-26 09:34:40", ErrorCode: "SFS.TURBO.0100", FailReason: "连接超时",
		SubJobs: []status.Job{
			{ID: "5a1c", Type: "check_ldap", Status: status.Failed, BeginTime: "2023-07-26 09:33:58", ErrorCode: "SFS.TURBO.0101", FailReason: "timed out"},
			{Type: "mount_ldap", Status: status.Waiting},
		},
	}}}})
	resp, err := sdk.ShowJobDetail(&model.ShowJobDetailRequest{JobId: id})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.HttpStatusCode)
	byName := func(o fmt.Stringer, names string) (job status.Job) { // both have the wire's
		require.NoError(t, job.UnmarshalJSON([]byte(o.String()[len(names)+1:])))
		return job
	}
	want := byName(resp, "ShowJobDetailResponse")
	require.Len(t, want.SubJobs, 2)

	for _, p := range []poller.Poller{through(t, sdk), direct(t, server.Start())} {
		reply, err := p.Poll(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, want, reply.Job)
		require.WithinDuration(t, time.Now(), reply.ServerTime, 10*time.Second)
	}
	requests := server.Requests()
	require.Equal(t, requests[0].RequestID, *resp.XRequestId)
	require.Equal(t, requests[0].Path, requests[2].Path, "the SDK's, and ours")
}

func TestIDsArriveAsTheyAre(t *testing.T) {
	server := service(t)
	p := through(t, client(t, server.Start()))
	for _, id := range []string{"a+b", "a%2Fb", "a?b=c", "a#b", "项目", "a;b,c:d@e", "~!*'()$&=[]", "{project_id}x", `"\`} {
		server.Add(pollertest.Script{ID: id})
		reply, err := p.Poll(t.Context(), id)
		if id == "{project_id}x" { // of which the SDK makes the project's
			require.Equal(t, poller.NotFound, poller.Classify(err))
			continue
		}
		require.NoError(t, err, id)
		require.Equal(t, id, reply.Job.ID)
	}
}

func TestRefusals(t *testing.T) {
	const wrong = "SKEXAMPLEsecretsecretsecret99999"
	type credentials = basic.CredentialsBuilder
	server := service(t)
	id := server.Add(pollertest.Script{})
	for name, test := range map[string]struct {
		change func(*credentials)
		id     string
		want   string
		kind   string
	}{
		"job":     {func(*credentials) {}, "another", ", project " + project + ": SFS.TURBO.0019: Invalid Job Id", "not found 404"},
		"project": {func(c *credentials) { c.WithProjectId("another") }, id, ", project another: SFS.TURBO.9000", "permanent 403"},
		"key":     {func(c *credentials) { c.WithAk("another") }, id, ", project " + project + ": APIGW.0301: Incorrect IAM", "unauthorized 401"},
		"secret":  {func(c *credentials) { c.WithSk(wrong) }, id, ", project " + project + ": APIGW.0301: Incorrect IAM", "unauthorized 401"},
	} {
		c := basic.NewCredentialsBuilder().WithAk(accessKey).WithSk(secretKey).WithProjectId(project)
		test.change(c)
		_, err := through(t, client(t, server.Start(), with(c))).Poll(t.Context(), test.id)
		require.ErrorContains(t, err, test.want, name)
		require.Equal(t, test.kind, poller.Classify(err).String()+" "+poller.Kind(err))
		require.NotContains(t, err.Error(), wrong)
		e, ok := errors.AsType[*poller.Error](err)
		require.True(t, ok)
		requests := server.Requests()
		require.Equal(t, requests[len(requests)-1].RequestID, e.RequestID)
	}
}

func TestAnExpiredSignature(t *testing.T) {
	server := service(t)
	id := server.Add(pollertest.Script{})
	sdk := client(t, server.Start())
	for age, good := range map[time.Duration]bool{14 * time.Minute: true, -14 * time.Minute: true, 16 * time.Minute: false, -16 * time.Minute: false} {
		sdk.HcClient.WithExtraHeaders(map[string]string{"X-Sdk-Date": time.Now().Add(-age).UTC().Format("20060102T150405Z")})
		_, err := through(t, sdk).Poll(t.Context(), id)
		require.Equal(t, good, err == nil, "%v: %v", age, err)
		if !good {
			require.Equal(t, poller.Unauthorized, poller.Classify(err))
			require.ErrorContains(t, err, "signature expired")
		}
	}
}

// Each poll sends one request: more than five bad signatures lock a key.
func TestARejectedKeyIsNotTriedAgain(t *testing.T) {
	server := service(t)
	id := server.Add(pollertest.Script{})
	bad := through(t, client(t, server.Start(), with(basic.NewCredentialsBuilder().WithAk(accessKey).WithSk("wrong").WithProjectId(project))))
	for n := range 6 {
		_, err := bad.Poll(t.Context(), id)
		require.Equal(t, poller.Unauthorized, poller.Classify(err))
		require.Len(t, server.Requests(), n+1)
	}
	_, err := through(t, client(t, server.Start())).Poll(t.Context(), id)
	require.ErrorContains(t, err, "AK access failed to reach the limit")
}

// A key that the client is given later counts from the next poll on.
func TestAKeyThatIsReplaced(t *testing.T) {
	server := service(t)
	id := server.Add(pollertest.Script{})
	sdk := client(t, server.Start(), with(basic.NewCredentialsBuilder().WithAk("old").WithSk("old").WithProjectId(project)))
	p := through(t, sdk)
	_, err := p.Poll(t.Context(), id)
	require.Equal(t, poller.Unauthorized, poller.Classify(err))
	fresh, err := basic.NewCredentialsBuilder().WithAk(accessKey).WithSk(secretKey).WithProjectId(project).SafeBuild()
	require.NoError(t, err)
	sdk.HcClient.WithCredential(fresh)
	_, err = p.Poll(t.Context(), id)
	require.NoError(t, err)
}

// with replaces the keys of a client.
func with(c *basic.CredentialsBuilder) func(*core.HcHttpClientBuilder, *config.HttpConfig) {
	return func(b *core.HcHttpClientBuilder, _ *config.HttpConfig) {
		keys, err := c.SafeBuild()
		if err != nil {
			panic(err)
		}
		b.WithCredential(keys)
	}
}
