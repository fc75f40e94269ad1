package pollertest

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const tokenLife = 24 * time.Hour

// Ids of things that the server does not know by name.
const (
	projectID = "b0000000000000000000000000000001"
	domainID  = "d0000000000000000000000000000001"
	userID    = "e0000000000000000000000000000001"
)

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// issue responds to POST /v3/auth/tokens: any user with any password gets a token for any
// project, unless WithProject names another one. For a wrong password use a rule with
// status 401.
func (s *Server) issue(a *response, body []byte) {
	var asked struct {
		Auth struct {
			Identity struct {
				Methods  []string
				Password struct {
					User struct {
						Name, Password string
						Domain         named
					}
				}
			}
			Scope struct{ Project named }
		}
	}
	err := json.Unmarshal(body, &asked)
	user, scope := asked.Auth.Identity.Password.User, asked.Auth.Scope.Project
	if err != nil || len(asked.Auth.Identity.Methods) != 1 || asked.Auth.Identity.Methods[0] != "password" ||
		user.Name == "" || user.Password == "" || user.Domain == (named{}) || scope == (named{}) {
		a.fail(http.StatusBadRequest, IAM, "", "The request body is invalid")
		return
	}
	wanted, known := scope.ID, s.project
	if wanted == "" {
		wanted, known = scope.Name, s.projectName
	}
	if known != "" && wanted != known { // not a 404: like Keystone, IAM does not reveal what exists
		a.fail(http.StatusUnauthorized, IAM, "", "Could not find project, "+wanted+".")
		return
	}
	s.issued++
	token := fmt.Sprintf("MII%02000d", s.issued) // as long as a real one
	until := a.at.Add(tokenLife)
	s.tokens[sha256.Sum256([]byte(token))] = until
	const layout = "2006-01-02T15:04:05.000000Z"
	type owned struct {
		named
		Domain named `json:"domain"`
	}
	domain := named{cmp.Or(user.Domain.ID, domainID), user.Domain.Name}
	a.status = http.StatusCreated
	a.header = http.Header{"X-Subject-Token": {token}}
	a.body = encode(map[string]any{"token": map[string]any{
		"methods":    []string{"password"},
		"issued_at":  a.at.UTC().Format(layout),
		"expires_at": until.UTC().Format(layout),
		"project":    owned{named{cmp.Or(s.project, scope.ID, projectID), cmp.Or(s.projectName, scope.Name)}, domain},
		"user":       owned{named{userID, user.Name}, domain},
	}})
}

// RevokeTokens revokes all tokens that the server has issued so far, as a new password or a
// change of the user's permissions does: 401 APIGW.0301. The tokens of [WithToken] stay
// good.
func (s *Server) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for sum, until := range s.tokens {
		if !until.Equal(never) {
			s.tokens[sum] = now
		}
	}
}

// listProjects responds to GET /v3/projects.
func (s *Server) listProjects(a *response, name string) {
	type links map[string]any
	self := "https://iam.myhuaweicloud.com/v3/projects"
	found := []map[string]any{}
	if s.projectName != "" && (name == "" || name == s.projectName) {
		found = append(found, map[string]any{
			"id": s.project, "name": s.projectName, "domain_id": domainID, "parent_id": domainID, "enabled": true,
			"is_domain": false, "description": "", "links": links{"self": self + "/" + s.project},
		})
	}
	a.status = http.StatusOK
	a.body = encode(map[string]any{"projects": found, "links": links{"self": self, "previous": nil, "next": nil}})
}
