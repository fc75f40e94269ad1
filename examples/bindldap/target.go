package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// A target is the service to call, and what to bind there.
type target struct {
	client                 *poller.Client
	credential             credential.Credential
	share, ldapURL, baseDN string
	timeout                time.Duration
	close                  func()
}

// credentials are what FromEnv takes for a credential, or for a part of one.
var credentials = regexp.MustCompile(`^(HW|OS|HUAWEICLOUD_SDK)_(AK|SK|ACCESS_KEY|SECRET_KEY|AUTH_TOKEN|USER.*|PASSWORD|PROFILE|SHARED_CONFIG_FILE|ASSUME_ROLE.*)=.`)

func parse(args []string, out io.Writer) (*target, error) {
	t := &target{close: func() {}}
	flags := flag.NewFlagSet("bindldap", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&t.share, "share", "", "the file system's `id`")
	flags.StringVar(&t.ldapURL, "ldap", "", "the LDAP server's `URL`, like ldap://192.168.0.10:389")
	flags.StringVar(&t.baseDN, "base-dn", "", "where to search, like dc=example,dc=com")
	flags.DurationVar(&t.timeout, "timeout", 10*time.Minute, "how long to wait")
	fail := flags.Bool("fail", false, "have the built-in service's job fail")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q: there are flags only, see bindldap -h", flags.Arg(0))
	}
	if t.share+t.ldapURL+t.baseDN == "" && !slices.ContainsFunc(os.Environ(), credentials.MatchString) {
		return t, t.builtIn(*fail, out)
	}
	var err error
	if t.credential, err = credential.FromEnv(); err != nil {
		return nil, err
	}
	if t.client, err = poller.FromEnv(poller.WithCredential(t.credential)); err != nil {
		return nil, err
	}
	var missing []string
	for _, need := range []struct{ what, value string }{{"-share", t.share}, {"-ldap", t.ldapURL}, {"-base-dn", t.baseDN}} {
		if need.value == "" {
			missing = append(missing, need.what)
		}
	}
	switch {
	case len(missing) > 0:
		return nil, fmt.Errorf("to bind on a real service, give %s too; for the built-in service, give no flags and no credential",
			strings.Join(missing, ", "))
	case *fail:
		return nil, errors.New("-fail is for the built-in service")
	}
	return t, nil
}

// builtIn starts a service within this program. Its job takes six seconds.
func (t *target) builtIn(fail bool, out io.Writer) (err error) {
	server := pollertest.New(pollertest.WithToken("demo-token"), pollertest.WithProject("demo-project"))
	sub := func(jobType string, s status.Status) status.Job { return status.Job{Type: jobType, Status: s} }
	end := status.Job{Status: status.Success, SubJobs: []status.Job{sub("check_ldap", status.Success), sub("mount_ldap", status.Success)}}
	if fail {
		end.Status = status.Failed
		end.ErrorCode, end.FailReason = "SFS.TURBO.0100", "binding LDAP failed"
		end.SubJobs[0] = status.Job{Type: "check_ldap", Status: status.Failed, ErrorCode: "SFS.TURBO.0101", FailReason: "the LDAP server does not respond"}
		end.SubJobs = end.SubJobs[:1]
	}
	server.Script("bind_ldap", pollertest.Script{Steps: []pollertest.Step{
		{After: time.Second / 2, Job: status.Job{Status: status.Running}},
		{After: 2 * time.Second, Job: status.Job{Status: status.Running, SubJobs: []status.Job{sub("check_ldap", status.Running)}}},
		{After: 6 * time.Second, Job: end},
	}})
	endpoint := server.Start()
	t.share, t.ldapURL, t.baseDN = "demo-share", "ldap://192.168.0.10:389", "dc=example,dc=com"
	t.close = server.Close
	t.credential = credential.Token("demo-token")
	fmt.Fprintf(out, "No credential is in the environment: using the built-in service at %s\n", endpoint)
	t.client, err = poller.New(endpoint, "demo-project", poller.WithCredential(t.credential))
	return err
}

// submit sends the call that starts the job, and returns the job's id. JobID's error has the status
// and the code of a refusal, so that Run can say whether a job may have started.
func (t *target) submit(ctx context.Context, endpoint, project string) (string, error) {
	body, err := json.Marshal(map[string]string{"url": t.ldapURL, "base_dn": t.baseDN})
	if err != nil {
		return "", err
	}
	call := fmt.Sprintf("%s/v1/%s/sfs-turbo/shares/%s/fs/ldap",
		endpoint, url.PathEscape(project), url.PathEscape(t.share))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, call, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	if err := t.credential.Authorize(ctx, r); err != nil {
		return "", err
	}
	// A redirect is not followed: the token would be sent along.
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	resp, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return "", err
	}
	return poller.JobID(resp.StatusCode, data)
}
