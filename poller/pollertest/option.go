package pollertest

import "crypto/sha256"

// Option is a setting of [New].
type Option func(*Server)

// WithProject makes the server refuse any other project: 403 SFS.TURBO.9000. Without it,
// any project is served.
func WithProject(id string) Option { return WithNamedProject(id, "") }

// WithNamedProject is [WithProject] for a project whose name IAM knows, which is usually
// its region's: [ListProjects] finds it, and no token is issued for another project.
func WithNamedProject(id, name string) Option {
	return func(s *Server) { s.project, s.projectName = id, name }
}

// WithToken makes the server refuse any other credential, except the tokens of further
// WithToken, the keys of [WithAccessKey] and [WithTemporaryKey], and the tokens that it
// issues itself: 401 APIGW.0301. The server keeps a digest of the token. An empty token
// panics: no request could carry it.
func WithToken(token string) Option {
	if token == "" {
		panic("pollertest: WithToken: the token is empty")
	}
	sum := sha256.Sum256([]byte(token))
	return func(s *Server) { s.choosy, s.tokens[sum] = true, grant{} }
}

// WithAccessKey makes the server verify the signature of signed requests, and refuse any
// other credential, except further keys and what [WithToken] lists: 401 APIGW.0301.
// Without it the server checks a signature's form and date, but not its value. The code
// that verifies is this package's own, and not the code that signs a client's requests.
//
// The sixth request in a row that names the key and is refused locks it for five minutes,
// during which even a good signature is refused. A request counts as refused if the
// signature is wrong, malformed, or more than fifteen minutes old or ahead, or if a
// temporary key's security token is wrong. A good request ends the row, and so does the
// lock. Requests during the lock do not make it longer. Requests whose credential is not
// looked at do not count: an unknown path or method, a request for a token, and any
// request that a [Rule] responds to.
func WithAccessKey(accessKey, secretKey string) Option {
	return func(s *Server) { s.choosy, s.keys[accessKey] = true, &signingKey{sign: signer(secretKey)} }
}

// WithTemporaryKey is [WithAccessKey] for a key that needs a security token: a request
// must carry the token as X-Security-Token. The header need not be signed: the Terraform
// provider's library adds it after signing. An empty token panics.
func WithTemporaryKey(accessKey, secretKey, securityToken string) Option {
	if securityToken == "" {
		panic("pollertest: WithTemporaryKey: the security token is empty")
	}
	sum := sha256.Sum256([]byte(securityToken))
	return func(s *Server) { s.choosy, s.keys[accessKey] = true, &signingKey{sign: signer(secretKey), token: &sum} }
}
