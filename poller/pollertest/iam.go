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

// Ids that IAM makes up.
const (
	projectID = "b0000000000000000000000000000001"
	domainID  = "d0000000000000000000000000000001"
	userID    = "e0000000000000000000000000000001"
)

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// issue answers POST /v3/auth/tokens: any user with a password gets a token for any
// project, unless the server knows another one. A rule with status 401 is a wrong
// password.
func (s *Server) issue(a *answer, body []byte) {
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
	if known != "" && wanted != known { // no 404: Keystone, which IAM is made of, tells nobody what there is
		a.fail(http.StatusUnauthorized, IAM, "", "Could not find project, "+wanted+".")
		return
	}
	s.issued++
	token := fmt.Sprintf("MII%02000d", s.issued) // as long as real ones are
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

// RevokeTokens ends all tokens that the server has issued so far, as a new password
// or a change of the user's permissions does: 401 APIGW.0301. Those of [WithToken]
// stay good.
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

// listProjects answers GET /v3/projects.
func (s *Server) listProjects(a *answer, name string) {
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
