// Package environ reads the environment that users of Huawei Cloud have: that of the
// official SDK (HUAWEICLOUD_SDK_), of the Terraform provider (HW_), and the
// provider's OpenStack forms (OS_). It is pure.
package environ

import "github.com/sfsturbo/waiter/internal/baseurl"

// Getenv is os.Getenv, or like it.
type Getenv func(name string) string

// First returns the value of the first variable that is not empty.
func (get Getenv) First(names ...string) string {
	for _, name := range names {
		if value := get(name); value != "" {
			return value
		}
	}
	return ""
}

// Place is where the user's jobs are. What is not known is "".
type Place struct {
	Region                 string
	Endpoint               string // of SFS Turbo
	IAMEndpoint            string
	ProjectID, ProjectName string // one of them
}

// Place returns what the environment says, and what follows from the region.
func (get Getenv) Place() Place {
	p := Place{
		Region:      get.First("HW_REGION_NAME", "OS_REGION_NAME"),
		Endpoint:    get("HW_SFS_TURBO_ENDPOINT"),
		IAMEndpoint: get.First("HUAWEICLOUD_SDK_IAM_ENDPOINT", "HW_AUTH_URL", "OS_AUTH_URL"),
	}
	for _, names := range []struct{ id, name string }{
		{get("HUAWEICLOUD_SDK_PROJECT_ID"), ""},
		{get("HW_PROJECT_ID"), get("HW_PROJECT_NAME")},
		{get.First("OS_PROJECT_ID", "OS_TENANT_ID"), get.First("OS_PROJECT_NAME", "OS_TENANT_NAME")},
		{"", p.Region}, // each region has a project of its name
	} {
		if names.id != "" {
			p.ProjectID = names.id
			break
		}
		if names.name != "" {
			p.ProjectName = names.name
			break
		}
	}
	if p.Endpoint == "" && p.Region != "" {
		p.Endpoint = baseurl.OfRegion("sfs-turbo", p.Region)
	}
	if p.IAMEndpoint == "" && p.Region != "" {
		p.IAMEndpoint = baseurl.OfRegion("iam", p.Region)
	}
	return p
}
