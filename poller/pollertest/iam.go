package pollertest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const tokenLife = 24 * time.Hour

// issue answers POST /v3/auth/tokens of IAM: any user with a password gets a token
// for any project. A rule with status 401 is a wrong password.
func (s *Server) issue(a *answer, body []byte) {
	type named struct{ Name, ID string }
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
	s.issued++
	token := fmt.Sprintf("MII%02000d", s.issued) // as long as real ones are
	until := a.at.Add(tokenLife)
	s.tokens[sha256.Sum256([]byte(token))] = until
	const layout = "2006-01-02T15:04:05.000000Z"
	a.status = http.StatusCreated
	a.header = http.Header{"X-Subject-Token": {token}}
	a.body = encode(map[string]any{"token": map[string]any{
		"methods": []string{"password"}, "issued_at": a.at.UTC().Format(layout), "expires_at": until.UTC().Format(layout),
	}})
}
