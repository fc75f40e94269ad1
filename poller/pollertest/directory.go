package pollertest

import (
	"cmp"
	"net/http"
	"strings"
)

// list responds to GET of one of IAM's lists.
func (s *Server) list(a *response, asked call, g grant) {
	domain := g.user.Domain.or(someDomain)
	switch asked.call {
	case ListProjects: // only the one that WithNamedProject names is known
		projects := []map[string]any{}
		if name := asked.query.Get("name"); s.projectName != "" && (name == "" || name == s.projectName) {
			p := item("projects", named{s.project, s.projectName})
			p["domain_id"], p["parent_id"], p["is_domain"] = domain.ID, domain.ID, false
			projects = append(projects, p)
		}
		a.list("projects", asked.path, projects)
	case ListDomains:
		a.list("domains", asked.path, []map[string]any{item("domains", domain)})
	default:
		services := catalog(asked.base)
		if !g.global {
			services = append(services, network(asked.base, s.projectName))
		}
		a.list("catalog", asked.path, services)
	}
}

type links map[string]any

// self is a link to what clients do not ask for.
func self(path string) links { return links{"self": "https://iam.myhuaweicloud.com/v3/" + path} }

func item(kind string, n named) map[string]any {
	return map[string]any{
		"id": n.ID, "name": n.Name, "description": "", "enabled": true, "links": self(kind + "/" + n.ID),
	}
}

func (a *response) list(kind, path string, items any) {
	l := self(path)
	l["previous"], l["next"] = nil, nil
	a.status, a.body = http.StatusOK, encode(map[string]any{kind: items, "links": l})
}

// service is an entry of the catalog.
type service struct {
	named

	Type      string     `json:"type"`
	Endpoints []endpoint `json:"endpoints"`
}

type endpoint struct {
	ID        string `json:"id"`
	Interface string `json:"interface"`
	Region    string `json:"region"`
	RegionID  string `json:"region_id"`
	URL       string `json:"url"`
}

// catalog lists what is good without a project: IAM, which is this server.
func catalog(base string) []service {
	const id = "c0000000000000000000000000000001"
	return []service{{named{id, "iam"}, "iam", []endpoint{{id, "public", "*", "*", base + "/v3.0"}}}}
}

// network is the entry from which the Terraform provider's library derives the address of
// SFS Turbo, which is this server too.
func network(base, project string) service {
	const id = "c0000000000000000000000000000002"
	region, _, _ := strings.Cut(cmp.Or(project, "*"), "_") // a sub-project is called region_name
	return service{named{id, "vpc"}, "network", []endpoint{{id, "public", region, region, base}}}
}
