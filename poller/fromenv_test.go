package poller_test

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
)

// environment sets these variables, and no other that FromEnv knows.
func environment(t *testing.T, set ...map[string]string) {
	t.Helper()
	t.Setenv("SSL_CERT_FILE", "")
	t.Setenv("SSL_CERT_DIR", "")
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "HW_") || strings.HasPrefix(name, "OS_") || strings.HasPrefix(name, "HUAWEICLOUD_SDK_") {
			t.Setenv(name, "")
		}
	}
	for _, some := range set {
		for name, value := range some {
			t.Setenv(name, value)
		}
	}
}

// cloud is a service on a port, with a named project, and the environment of its users.
func cloud(t *testing.T) (*pollertest.Server, map[string]string) {
	t.Helper()
	s := pollertest.New(pollertest.WithNamedProject("0970", "cn-north-4"), pollertest.WithToken(token), pollertest.WithAccessKey(accessKey, secretKey))
	t.Cleanup(s.Close)
	endpoint := s.Start()
	return s, map[string]string{"HW_REGION_NAME": "cn-north-4", "HW_SFS_TURBO_ENDPOINT": endpoint, "HW_AUTH_URL": endpoint + "/v3"}
}

func fromEnv(t *testing.T, opts ...poller.Option) *poller.Client {
	t.Helper()
	p, err := poller.FromEnv(opts...)
	require.NoError(t, err)
	t.Cleanup(p.CloseIdleConnections)
	return p
}

var waysToAuthorize = map[string]map[string]string{
	"token":      {"HW_AUTH_TOKEN": token},
	"access key": {"HW_ACCESS_KEY": accessKey, "HW_SECRET_KEY": secretKey},
	"password":   {"HW_USER_NAME": "user", "HW_USER_PASSWORD": "pa55word", "HW_DOMAIN_NAME": "account"},
}

func TestFromEnvPolls(t *testing.T) {
	for way, credentials := range waysToAuthorize {
		for how, project := range map[string]map[string]string{
			"id": {"HW_PROJECT_ID": "0970"}, "name": {"HW_PROJECT_NAME": "cn-north-4"}, "region's name": {},
		} {
			t.Run(way+", project by "+how, func(t *testing.T) {
				s, place := cloud(t)
				environment(t, place, credentials, project)
				p := fromEnv(t)
				id := s.Add(pollertest.Script{})
				for range 3 {
					_, err := p.Poll(within(t, 10*time.Second), id)
					require.NoError(t, err)
				}
				looked := 0
				for _, r := range s.Requests() {
					if r.Call == pollertest.ListProjects {
						looked++
					}
				}
				require.Equal(t, how != "id", looked == 1, "looked up once, if at all: %d", looked)
			})
		}
	}
}

func TestFromEnvNeedsNoNetwork(t *testing.T) {
	environment(t, map[string]string{"HW_ACCESS_KEY": "a", "HW_SECRET_KEY": "s", "HW_REGION_NAME": "eu-west-101"})
	require.Equal(t, "poller.Client(https://sfs-turbo.eu-west-101.myhuaweicloud.eu/v1/{eu-west-101}/sfs-turbo/jobs/)", fromEnv(t).String())
}

// With HW_CLOUD alone, user and password would otherwise go to another operator's IAM.
func TestFromEnvAsksTheCloudThatIsNamed(t *testing.T) {
	for way, credentials := range waysToAuthorize {
		environment(t, credentials, map[string]string{"HW_REGION_NAME": "eu-de", "HW_CLOUD": "otc.example.com"})
		var asked []string
		p := fromEnv(t, poller.WithHTTPClient(&http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			asked = append(asked, r.URL.Host)
			return nil, errors.New("no way")
		})}))
		require.Contains(t, p.String(), "https://sfs-turbo.eu-de.otc.example.com/v1/", way)
		if way != "password" { // its requests have a client of their own
			_, err := p.Poll(t.Context(), jobID)
			require.ErrorContains(t, err, "https://iam.eu-de.otc.example.com", way)
			require.Equal(t, []string{"iam.eu-de.otc.example.com"}, asked, way)
		}
	}
}

func TestATransportOfTheUsersDecidesAboutCertificates(t *testing.T) {
	environment(t, waysToAuthorize["token"], map[string]string{"HW_REGION_NAME": "cn-north-4", "HW_INSECURE": "true", "OS_CACERT": "x"})
	fromEnv(t, poller.WithHTTPClient(&http.Client{Transport: &http.Transport{}}))
	_, err := poller.FromEnv(poller.WithHTTPClient(&http.Client{}))
	require.ErrorContains(t, err, "OS_CACERT can't be followed")
}

func TestOptionsOverrideTheEnvironment(t *testing.T) {
	s, place := cloud(t)
	environment(t, place, map[string]string{"HW_PROJECT_ID": "0970"})
	_, err := fromEnv(t, poller.WithCredential(credential.Token(token))).Poll(t.Context(), s.Add(pollertest.Script{}))
	require.NoError(t, err)
}

func TestFromEnvSaysAllThatIsMissing(t *testing.T) {
	complete := map[string]string{"HW_AUTH_TOKEN": "t", "HW_REGION_NAME": "cn-north-4", "HW_PROJECT_ID": "p"}
	for want, change := range map[string]map[string]string{
		"no endpoint in the environment: set HW_REGION_NAME, or HW_SFS_TURBO_ENDPOINT":       {"HW_REGION_NAME": ""},
		"no project in the environment: set HW_PROJECT_ID, or HW_PROJECT_NAME":               {"HW_REGION_NAME": "", "HW_PROJECT_ID": "", "HW_SFS_TURBO_ENDPOINT": "https://example.com"},
		"looking up a project by its name needs the address of IAM":                          {"HW_REGION_NAME": "", "HW_PROJECT_ID": "", "HW_PROJECT_NAME": "n", "HW_SFS_TURBO_ENDPOINT": "https://example.com"},
		"from OS_AUTH_URL, the IAM endpoint begins with http://":                             {"HW_PROJECT_ID": "", "OS_AUTH_URL": "http://example.com/v3"},
		"poller: from HW_SFS_TURBO_ENDPOINT, the endpoint does not begin with https://":      {"HW_SFS_TURBO_ENDPOINT": "example.com"},
		"poller: in the environment, HW_REGION_NAME has a space around it":                   {"HW_REGION_NAME": "cn-north-4\n"},
		"the project id in the environment is \"..\"":                                        {"HW_PROJECT_ID": ".."},
		"no endpoint in the environment: HW_AUTH_URL is not of myhuaweicloud.com, so":        {"HW_AUTH_URL": "https://iam.example.com/v3"},
		"IAM: HW_SFS_TURBO_ENDPOINT is not of myhuaweicloud.com, so the region's IAM":        {"HW_SFS_TURBO_ENDPOINT": "https://example.com", "HW_PROJECT_ID": ""},
		"poller: in the environment, HW_INSECURE can't be followed":                          {"HW_INSECURE": "true"},
		"poller: in the environment, HW_SHARED_CONFIG_FILE and HW_PROFILE can't be followed": {"HW_SHARED_CONFIG_FILE": "f", "HW_PROFILE": "p"},
		"in the environment, HW_ASSUME_ROLE_AGENCY_NAME can't be followed":                   {"HW_ASSUME_ROLE_AGENCY_NAME": "a"},
		"no credential in the environment: looked for HUAWEICLOUD_SDK_AK":                    {"HW_AUTH_TOKEN": ""},
	} {
		environment(t, complete, change)
		p, err := poller.FromEnv()
		require.ErrorContains(t, err, want)
		require.Nil(t, p)
	}
	environment(t)
	_, err := poller.FromEnv()
	require.ErrorContains(t, err, "poller: no endpoint in the environment: set HW_REGION_NAME, or HW_SFS_TURBO_ENDPOINT. And no project in the environment: "+
		"set HW_PROJECT_ID, or HW_PROJECT_NAME. And no credential in the environment: looked for ")
	_, err = poller.FromEnv(nil)
	require.ErrorContains(t, err, "option 1 of FromEnv is nil")
}

func TestAProjectThatCantBeLookedUp(t *testing.T) {
	for name, c := range map[string]struct {
		rule    pollertest.Rule
		name    string
		verdict poller.Verdict
		pause   time.Duration
		text    string
	}{
		"unknown name": {name: "nowhere", verdict: poller.Permanent, pause: time.Minute, text: `looking up project "nowhere": IAM has no project with that name: check the name and the region`},
		"IAM is down":  {rule: pollertest.Rule{Status: 503}, verdict: poller.Passing, pause: time.Second, text: `looking up project "cn-north-4" in IAM at http://127.0.0.1: HTTP 503`},
		"throttled":    {rule: pollertest.Rule{Status: 429, RetryAfter: "30"}, verdict: poller.Throttled, pause: 30 * time.Second, text: `looking up project "cn-north-4" in IAM at http://127.0.0.1: HTTP 429`},
		"not IAM":      {rule: pollertest.Rule{Status: 404, Code: "SFS.TURBO.0019"}, verdict: poller.Permanent, pause: time.Minute, text: `looking up project "cn-north-4" in IAM at http://127.0.0.1: HTTP 404`},
		"rejected":     {rule: pollertest.Rule{Status: 401}, verdict: poller.Unauthorized, pause: time.Minute, text: `looking up project "cn-north-4" in IAM at http://127.0.0.1: HTTP 401`},
		"forbidden":    {rule: pollertest.Rule{Status: 403}, verdict: poller.Permanent, pause: time.Minute, text: `looking up project "cn-north-4" in IAM at http://127.0.0.1: HTTP 403`},
		"nonsense":     {rule: pollertest.Rule{Status: 200, Raw: "<html>"}, verdict: poller.Passing, pause: time.Second, text: "is not a list of projects: HTML page"},
		"a portal":     {rule: pollertest.Rule{Status: 200, Raw: `{"status":"ok"}`}, verdict: poller.Passing, pause: time.Second, text: `is not a list of projects: JSON of an unknown shape: {"status":"ok"}`},
		"nothing":      {rule: pollertest.Rule{Status: 200, Raw: "{}"}, verdict: poller.Passing, pause: time.Second, text: "is not a list of projects"},
		"no list":      {rule: pollertest.Rule{Status: 200, Raw: `{"projects":{}}`}, verdict: poller.Passing, pause: time.Second, text: "is not a list of projects"},
		"none":         {rule: pollertest.Rule{Status: 200, Raw: `{"projects":[]}`}, verdict: poller.Permanent, pause: time.Minute, text: "IAM has no project"},
		"another's":    {rule: pollertest.Rule{Status: 200, Raw: `{"projects":[{"id":"1","name":"cn-north-4_sub"}]}`}, verdict: poller.Permanent, pause: time.Minute, text: "IAM has no project"},
		"unusable id":  {rule: pollertest.Rule{Status: 200, Raw: `{"projects":[{"id":"..","name":"cn-north-4"}]}`}, verdict: poller.Permanent, pause: time.Minute, text: "IAM has no project"},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, waysToAuthorize["token"], map[string]string{
				"HW_PROJECT_NAME": c.name, "HW_REGION_NAME": "cn-north-4", "HW_SFS_TURBO_ENDPOINT": "http://127.0.0.1", "HW_AUTH_URL": "http://127.0.0.1",
			})
			synctest.Test(t, func(t *testing.T) {
				s := pollertest.New(pollertest.WithNamedProject("0970", "cn-north-4"), pollertest.WithToken(token))
				defer s.Close()
				_, httpClient := s.Memory()
				c.rule.Call, c.rule.Times = pollertest.ListProjects, 1
				if c.rule.Status != 0 {
					s.Fail(c.rule)
				}
				p, id := fromEnv(t, poller.WithHTTPClient(httpClient)), s.Add(pollertest.Script{})
				for range 100 {
					_, err := p.Poll(t.Context(), id)
					require.ErrorContains(t, err, c.text)
					require.Equal(t, c.verdict, poller.Classify(err))
					require.NotContains(t, err.Error(), "job")
				}
				require.Len(t, s.Requests(), 1, "all share the failure")
				time.Sleep(c.pause - 1)
				_, err := p.Poll(t.Context(), id)
				require.Error(t, err)
				require.Len(t, s.Requests(), 1)
				time.Sleep(time.Nanosecond)
				_, err = p.Poll(t.Context(), id)
				require.Equal(t, c.name == "nowhere", err != nil, "asked again: %v", err)
			})
		})
	}
}

func TestConcurrentPollsLookAProjectUpOnce(t *testing.T) {
	s, place := cloud(t)
	environment(t, place, waysToAuthorize["access key"])
	s.Fail(pollertest.Rule{Call: pollertest.ListProjects, Delay: 50 * time.Millisecond})
	p, id := fromEnv(t), s.Add(pollertest.Script{})
	var polls sync.WaitGroup
	for range 50 {
		polls.Go(func() {
			_, err := p.Poll(t.Context(), id)
			assert.NoError(t, err)
		})
	}
	polls.Wait()
	calls := map[pollertest.Call]int{}
	for _, r := range s.Requests() {
		calls[r.Call]++
	}
	require.Equal(t, map[pollertest.Call]int{pollertest.ListProjects: 1, pollertest.Poll: 50}, calls)
}

// What submits a job needs to know where.
func TestProjectSaysWhereTheJobsAre(t *testing.T) {
	s, where := cloud(t)
	for how, project := range map[string]map[string]string{"id": {"HW_PROJECT_ID": "0970"}, "name": {"HW_PROJECT_NAME": "cn-north-4"}} {
		environment(t, where, waysToAuthorize["token"], project)
		for range 2 {
			endpoint, id, err := fromEnv(t).Project(t.Context())
			require.NoError(t, err)
			require.Equal(t, where["HW_SFS_TURBO_ENDPOINT"], endpoint, how)
			require.Equal(t, "0970", id, how)
		}
	}
	s.Fail(pollertest.Rule{Status: 403})
	environment(t, where, waysToAuthorize["token"], map[string]string{"HW_PROJECT_NAME": "cn-north-4"})
	_, _, err := fromEnv(t).Project(t.Context())
	require.ErrorContains(t, err, "looking up project")
	require.Equal(t, poller.Permanent, poller.Classify(err))
}
