// Package environ reads the environment variables that users of Huawei Cloud have: those of
// the official SDK (HUAWEICLOUD_SDK_) and of the Terraform provider (HW_, and in their
// OpenStack form OS_). It is pure.
package environ

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/sfsturbo/waiter/internal/wire"
)

// Getenv is os.Getenv, or a func like it.
type Getenv func(name string) string

// First returns the value and the name of the first of these variables that is not empty.
func (get Getenv) First(names ...string) (value, name string) {
	for _, name := range names {
		if value := get(name); value != "" {
			return value, name
		}
	}
	return "", ""
}

// Place is where the user's jobs are. A field is "" if it is unknown.
type Place struct {
	Endpoint, EndpointFrom string // of SFS Turbo, and the variable that it comes from
	IAMEndpoint, IAMFrom   string
	ProjectID, ProjectName string // one of the two

	NoEndpoint, NoIAM string // what to set, if the address is unknown
}

var (
	region = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	domain = regexp.MustCompile(`^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$`)
)

// Place returns what the environment says, and for the rest what follows from the region
// and the cloud. The error names a variable whose value can't be right, or that says where
// the jobs are in a way that is not supported.
func (get Getenv) Place() (p Place, err error) {
	if err := get.refuse(profile); err != nil {
		return Place{}, err
	}
	first := func(names ...string) (string, string) {
		value, name := get.First(names...)
		if err == nil && (strings.TrimSpace(value) != value || strings.ContainsFunc(value, unicode.IsControl)) {
			err = fmt.Errorf("%s has a space around it, or a control character such as a newline: trim it", name)
		}
		return value, name
	}
	here, hereFrom := first("HW_REGION_NAME", "OS_REGION_NAME")
	if err == nil && here != "" && !region.MatchString(here) {
		err = fmt.Errorf("%s is not the name of a region: use one like cn-north-4", hereFrom)
	}
	cloud, cloudFrom := first("HW_CLOUD")
	if err == nil && cloud != "" && !domain.MatchString(cloud) {
		err = fmt.Errorf("%s is not the domain of a cloud: use one like myhuaweicloud.com, as it is in the addresses of its services", cloudFrom)
	}
	p.Endpoint, p.EndpointFrom = first("HW_SFS_TURBO_ENDPOINT")
	p.IAMEndpoint, p.IAMFrom = first("HUAWEICLOUD_SDK_IAM_ENDPOINT", "HW_AUTH_URL", "OS_AUTH_URL")
	p.derive(here, hereFrom, cloud)
	for _, names := range []struct{ id, name []string }{
		{id: []string{"HUAWEICLOUD_SDK_PROJECT_ID"}},
		{[]string{"HW_PROJECT_ID"}, []string{"HW_PROJECT_NAME"}},
		{[]string{"OS_PROJECT_ID", "OS_TENANT_ID"}, []string{"OS_PROJECT_NAME", "OS_TENANT_NAME"}},
	} {
		if p.ProjectID, _ = first(names.id...); p.ProjectID != "" {
			return p, err
		}
		if p.ProjectName, _ = first(names.name...); p.ProjectName != "" {
			return p, err
		}
	}
	p.ProjectName = here // each region has a project with the same name
	return p, err
}

// derive adds the addresses that follow from a region. If only one of the two is known,
// and is another cloud's than the region's seems to be, the other one does not follow:
// a password or a token would be sent to another operator.
func (p *Place) derive(region, regionFrom, cloud string) {
	p.NoEndpoint, p.NoIAM = "set HW_REGION_NAME, or HW_SFS_TURBO_ENDPOINT", "set HW_REGION_NAME, or HW_AUTH_URL"
	if region == "" {
		return
	}
	assumed := cloud == ""
	if assumed {
		cloud = wire.Cloud(region)
	}
	another := func(from, what string) string {
		return from + " is not of " + cloud + ", so " + what + " in that cloud may be another operator's: set HW_CLOUD to your cloud's domain, or "
	}
	endpoint, iam := p.Endpoint, p.IAMEndpoint
	switch {
	case endpoint != "":
	case assumed && iam != "" && !wire.OfCloud(iam, cloud):
		p.NoEndpoint = another(p.IAMFrom, "the region's endpoint") + "HW_SFS_TURBO_ENDPOINT"
	default:
		p.Endpoint, p.EndpointFrom = wire.CloudURL("sfs-turbo", region, cloud), regionFrom
	}
	switch {
	case iam != "":
	case assumed && endpoint != "" && !wire.OfCloud(endpoint, cloud):
		p.NoIAM = another(p.EndpointFrom, "the region's IAM") + "HW_AUTH_URL"
	default:
		p.IAMEndpoint, p.IAMFrom = wire.CloudURL("iam", region, cloud), regionFrom
	}
}
