package pollertest

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const tokenLife = 24 * time.Hour

// What the server does not learn from a request or an option.
var (
	someDomain  = named{"d0000000000000000000000000000001", "a-domain"}
	someUser    = named{"e0000000000000000000000000000001", "a-user"}
	someProject = named{ID: "b0000000000000000000000000000001"}
)

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// or fills in what n lacks.
func (n named) or(other named) named {
	return named{cmp.Or(n.ID, other.ID), cmp.Or(n.Name, other.Name)}
}

type owned struct {
	named

	Domain named `json:"domain"`
}

// grant is what the server knows about a token.
type grant struct {
	until   time.Time // never ends if zero
	user    owned
	global  bool   // good for no project: scoped to a domain, or to nothing
	project string // the only one that it is good for; "" is any
}

func (g grant) ended(now time.Time) bool { return !g.until.IsZero() && !now.Before(g.until) }

func (g grant) allows(project string) bool {
	return !g.global && (g.project == "" || g.project == project)
}

// tokenRequest is the body of POST /v3/auth/tokens.
type tokenRequest struct {
	Auth struct {
		Identity struct {
			Methods  []string
			Password struct {
				User struct {
					owned

					Password string
				}
			}
			Token struct{ ID string }
		}
		Scope *tokenScope
	}
}

// tokenScope is one of the two.
type tokenScope struct {
	Project owned
	Domain  named
}

func (t *tokenRequest) valid() bool {
	identity, scope := &t.Auth.Identity, t.Auth.Scope
	if scope != nil && (scope.Project.named == named{}) == (scope.Domain == named{}) {
		return false
	}
	user := &identity.Password.User
	switch strings.Join(identity.Methods, " ") {
	case "password":
		return user.Password != "" && (user.ID != "" || user.Name != "" && user.Domain != named{})
	case "token":
		return identity.Token.ID != ""
	}
	return false
}

// issue responds to POST /v3/auth/tokens. Any user with any password gets a token for a
// domain, for nothing, or for any project, unless WithProject names another one. For a wrong
// password use a rule with status 401.
func (s *Server) issue(a *response, asked call, body []byte) {
	var t tokenRequest
	if json.Unmarshal(body, &t) != nil || !t.valid() {
		a.fail(http.StatusBadRequest, IAM, "", "The request body is invalid")
		return
	}
	g := grant{until: a.at.Add(tokenLife), user: t.Auth.Identity.Password.User.owned, global: true}
	if t.Auth.Identity.Methods[0] == "token" {
		known, refusal := s.token(t.Auth.Identity.Token.ID, a.at)
		if refusal != "" {
			a.fail(http.StatusUnauthorized, IAM, "", "The token is invalid or has expired.")
			return
		}
		g.user = known.user
	}
	scope := cmp.Or(t.Auth.Scope, &tokenScope{})
	domain := scope.Domain.or(scope.Project.Domain).or(g.user.Domain).or(someDomain)
	g.user = owned{g.user.or(someUser), domain}
	const layout = "2006-01-02T15:04:05.000000Z"
	token := map[string]any{
		"methods":    t.Auth.Identity.Methods,
		"issued_at":  a.at.UTC().Format(layout),
		"expires_at": g.until.UTC().Format(layout),
		"user":       g.user,
	}
	services := catalog(asked.base)
	switch p := scope.Project.named; {
	case t.Auth.Scope == nil:
	case p == named{}:
		token["domain"] = domain
	case !s.has(p): // not a 404: like Keystone, IAM does not reveal what exists
		a.fail(http.StatusUnauthorized, IAM, "", fmt.Sprintf("Could not find project, %.64s.", cmp.Or(p.ID, p.Name)))
		return
	default:
		g.global, g.project = false, cmp.Or(s.project, p.ID)
		p = named{s.project, s.projectName}.or(p).or(someProject)
		token["project"], services = owned{p, domain}, append(services, network(asked.base, p.Name))
	}
	if asked.query.Get("nocatalog") != "" {
		services = []service{}
	}
	if t.Auth.Scope != nil { // otherwise the token is good for nothing
		token["roles"], token["catalog"] = []named{{"0", "te_admin"}}, services
	}
	s.issued++
	issued := fmt.Sprintf("MII%02000d", s.issued) // as long as a real one
	s.tokens[sha256.Sum256([]byte(issued))] = g
	a.status = http.StatusCreated
	a.header = http.Header{"X-Subject-Token": {issued}}
	a.body = encode(map[string]any{"token": token})
}

// has reports whether there is such a project. Its id decides, if there is one.
func (s *Server) has(p named) bool {
	if p.ID != "" {
		return s.project == "" || s.project == p.ID
	}
	return s.projectName == "" || s.projectName == p.Name
}

// token returns what the server knows about a token, and why it is refused; "" if it is good.
func (s *Server) token(token string, now time.Time) (g grant, refusal string) {
	g, known := s.tokens[sha256.Sum256([]byte(token))]
	switch {
	case !known && s.choosy:
		refusal = badToken
	case g.ended(now):
		refusal = expiredToken
	}
	return g, refusal
}

// RevokeTokens revokes all tokens that the server has issued so far, as a new password or a
// change of the user's permissions does: 401 APIGW.0301. The tokens of [WithToken] stay
// good.
func (s *Server) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for sum, g := range s.tokens {
		if !g.until.IsZero() {
			g.until = now
			s.tokens[sum] = g
		}
	}
}
