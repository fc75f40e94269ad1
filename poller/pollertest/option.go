package pollertest

import "crypto/sha256"

// Option is a setting of [New].
type Option func(*Server)

// WithProject makes the server refuse every project but this one: 403
// SFS.TURBO.9000. Any project is served without it.
func WithProject(id string) Option { return WithNamedProject(id, "") }

// WithNamedProject is [WithProject] for a project that IAM knows by name as well,
// which is most often its region's: [ListProjects] finds it, and no token is issued
// for another.
func WithNamedProject(id, name string) Option {
	return func(s *Server) { s.project, s.projectName = id, name }
}

// WithToken makes the server refuse every credential but this token, the tokens
// of further WithToken, the keys of [WithAccessKey] and [WithTemporaryKey], and the
// tokens that it issues itself: 401 APIGW.0301. The server keeps a digest of it. An
// empty token panics: no request could carry it.
func WithToken(token string) Option {
	if token == "" {
		panic("pollertest: WithToken: the token is empty")
	}
	sum := sha256.Sum256([]byte(token))
	return func(s *Server) { s.choosy, s.tokens[sum] = true, never }
}

// WithAccessKey makes the server verify the signature of signed requests, and
// refuse every credential but this key, further keys, and what [WithToken] says: 401
// APIGW.0301. Without it a signature's form and date are checked, and not its value.
// What verifies is code of this package's own, and not what signs a client's requests.
//
// The sixth request in a row that names the key and is refused locks it for five
// minutes, in which even a good signature is refused. It counts as refused if the
// signature is wrong, malformed, or more than fifteen minutes old or ahead, or if a
// temporary key's security token is. A good request ends the row, and so does the
// lock. Requests during the lock do not make it longer. What is answered before the
// credential is looked at does not count: an unknown path or method, a password's
// request for a token, and what a [Rule] answers in the service's place.
func WithAccessKey(accessKey, secretKey string) Option {
	return func(s *Server) { s.choosy, s.keys[accessKey] = true, &signingKey{sign: signer(secretKey)} }
}

// WithTemporaryKey is [WithAccessKey] for a key that is good only together with a
// security token: a request must carry that as X-Security-Token, and sign it. An empty
// one panics.
func WithTemporaryKey(accessKey, secretKey, securityToken string) Option {
	if securityToken == "" {
		panic("pollertest: WithTemporaryKey: the security token is empty")
	}
	sum := sha256.Sum256([]byte(securityToken))
	return func(s *Server) { s.choosy, s.keys[accessKey] = true, &signingKey{sign: signer(secretKey), token: &sum} }
}
