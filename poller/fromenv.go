package poller

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/sfsturbo/waiter/internal/environ"
	"github.com/sfsturbo/waiter/internal/wire"
	"github.com/sfsturbo/waiter/poller/credential"
)

// FromEnv returns the Client that the environment describes, with the credential, the
// project and the IAM address of [credential.FromEnv]. The endpoint is
// HW_SFS_TURBO_ENDPOINT, otherwise that of the region, HW_REGION_NAME or OS_REGION_NAME:
// https://sfs-turbo.{region}.{cloud}, where the cloud is HW_CLOUD, otherwise the public
// one, as for [Endpoint]. Without HW_CLOUD the region's endpoint is not used if the
// address of IAM is of another cloud: a token would be sent to another operator.
//
// What the Terraform provider reads of the environment is followed or makes FromEnv fail:
// see [credential.FromEnv]. Unless the client of [WithHTTPClient] has a transport, that
// goes for HW_INSECURE, OS_INSECURE, OS_CACERT, OS_CERT and OS_KEY with any credential.
// HW_MAX_RETRIES and HW_ENTERPRISE_PROJECT_ID mean nothing to a poll, and are ignored.
//
// Options override the environment: with [WithCredential] it needs no credential. The
// client of [WithHTTPClient] polls and looks up the project; a user's password is sent to
// IAM with a client of its own. For a cloud with its own certificate authority set
// SSL_CERT_FILE, or use [credential.Password].
//
// If only the project's name is known, the first poll looks up its id (GET
// {iam}/v3/projects) and the Client keeps it: a failure of that is the poll's. FromEnv
// itself does not use the network. Its error names everything that is missing.
func FromEnv(opts ...Option) (*Client, error) {
	s, err := apply("FromEnv", opts)
	if err != nil {
		return nil, err
	}
	var wrong []string
	env := environ.Getenv(os.Getenv)
	at, err := env.Place()
	if err == nil && s.environment {
		err = env.CheckTLS()
	}
	if err != nil {
		return nil, fmt.Errorf("poller: in the environment, %w", err)
	}
	var base string
	if at.Endpoint == "" {
		wrong = append(wrong, "no endpoint in the environment: "+at.NoEndpoint)
	} else if base, err = checkEndpoint(at.Endpoint, s.plainHTTP); err != nil {
		wrong = append(wrong, "from "+at.EndpointFrom+", "+strings.TrimPrefix(err.Error(), "poller: "))
	}
	var named *project
	switch {
	case at.ProjectID != "":
		err = checkSegment("project id in the environment", at.ProjectID)
	case at.ProjectName != "":
		named, err = newProject(at)
	default:
		err = errors.New("no project in the environment: set HW_PROJECT_ID, or HW_PROJECT_NAME")
	}
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	if s.credential == nil {
		if s.credential, err = credential.FromEnv(); err != nil {
			wrong = append(wrong, strings.TrimPrefix(err.Error(), "credential: "))
		}
	}
	err = s.checkProxy(base)
	if err == nil && named != nil {
		err = s.checkProxy(named.iam)
	}
	if err != nil && !strings.Contains(strings.Join(wrong, ""), err.Error()) { // a password's IAM has the same proxy
		wrong = append(wrong, err.Error())
	}
	if wrong != nil {
		return nil, fmt.Errorf("poller: %s", strings.Join(wrong, ". And "))
	}
	c := newClient(s, place{base, at.ProjectID})
	c.named = named
	return c, nil
}

func newProject(at environ.Place) (*project, error) {
	if at.IAMEndpoint == "" {
		return nil, errors.New("looking up a project by its name needs the address of IAM: " + at.NoIAM + ", or HW_PROJECT_ID")
	}
	iam, err := wire.CheckBase("IAM endpoint", at.IAMEndpoint, wire.RegionURL("iam", "cn-north-4"), false)
	if err != nil {
		return nil, fmt.Errorf("from %s, %w", at.IAMFrom, err)
	}
	iam = strings.TrimSuffix(iam, "/v3")
	return &project{
		name: at.ProjectName,
		iam:  iam,
		list: iam + "/v3/projects?name=" + url.QueryEscape(at.ProjectName),
		turn: make(chan struct{}, 1),
	}, nil
}
