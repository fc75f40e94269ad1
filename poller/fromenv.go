package poller

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/sfsturbo/waiter/internal/baseurl"
	"github.com/sfsturbo/waiter/internal/environ"
	"github.com/sfsturbo/waiter/poller/credential"
)

// FromEnv returns the Client that the environment describes, with the credential,
// the project and IAM's address of [credential.FromEnv]. The endpoint is
// HW_SFS_TURBO_ENDPOINT, else that of the region, HW_REGION_NAME or OS_REGION_NAME,
// by [Endpoint].
//
// Options go before the environment: with [WithCredential] it needs no credential.
// [WithHTTPClient] is for the service and for a project's look-up; the credential of a
// user's password asks IAM with a client of its own. For a cloud with a certificate
// authority of its own set SSL_CERT_FILE, or make a [credential.Password].
// A project that is given by its name alone is looked up by the first poll (GET
// {iam}/v3/projects), and then known: a failure of that is the poll's. There is no
// network in FromEnv itself. Its error says all that is missing.
func FromEnv(opts ...Option) (*Client, error) {
	s, err := apply("FromEnv", opts)
	if err != nil {
		return nil, err
	}
	var wrong []string
	place, err := environ.Getenv(os.Getenv).Place()
	if err != nil {
		return nil, fmt.Errorf("poller: in the environment, %w", err)
	}
	var base string
	if place.Endpoint == "" {
		wrong = append(wrong, "no endpoint in the environment: set HW_REGION_NAME, or HW_SFS_TURBO_ENDPOINT")
	} else if base, err = checkEndpoint(place.Endpoint, s.plainHTTP); err != nil {
		wrong = append(wrong, "from "+place.EndpointFrom+", "+strings.TrimPrefix(err.Error(), "poller: "))
	}
	var named *project
	switch {
	case place.ProjectID != "":
		err = checkSegment("project id in the environment", place.ProjectID)
	case place.ProjectName != "":
		named, err = newProject(base, place)
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
	if wrong != nil {
		return nil, fmt.Errorf("poller: %s", strings.Join(wrong, ". And "))
	}
	c := newClient(s, jobsOf(base, place.ProjectID))
	if named != nil {
		c.jobs, c.project = base+"/v1/{"+named.name+"}/sfs-turbo/jobs/", named // for String
	}
	return c, nil
}

func newProject(base string, place environ.Place) (*project, error) {
	if place.IAMEndpoint == "" {
		return nil, errors.New("a project's name needs IAM's address to be looked up: set HW_REGION_NAME, HW_AUTH_URL, or HW_PROJECT_ID")
	}
	iam, err := baseurl.Check("IAM endpoint", place.IAMEndpoint, baseurl.OfRegion("iam", "cn-north-4"), false)
	if err != nil {
		return nil, fmt.Errorf("from %s, %w", place.IAMFrom, err)
	}
	list := strings.TrimSuffix(iam, "/v3") + "/v3/projects?name=" + url.QueryEscape(place.ProjectName)
	u, err := url.Parse(list)
	if err != nil {
		return nil, err
	}
	return &project{
		name: place.ProjectName,
		base: base,
		list: list,
		host: u.Host,
		turn: make(chan struct{}, 1),
	}, nil
}
