package pollertest

import "crypto/sha256"

// Option is a setting of [New].
type Option func(*Server)

// WithProject makes the server refuse every project but this one: 403
// SFS.TURBO.9000. Any project is served without it.
func WithProject(id string) Option {
	return func(s *Server) { s.project = id }
}

// WithToken makes the server refuse every credential but this token, the tokens
// of further WithToken, the keys of [WithAccessKey], and the tokens that it issues
// itself: 401 APIGW.0301. The server keeps a digest of it. An empty token panics:
// no request could carry it.
func WithToken(token string) Option {
	if token == "" {
		panic("pollertest: WithToken: the token is empty")
	}
	sum := sha256.Sum256([]byte(token))
	return func(s *Server) { s.choosy, s.tokens[sum] = true, never }
}

// WithAccessKey makes the server verify the signature of signed requests, and
// refuse every credential but this key and what [WithToken] says: 401 APIGW.0301.
// Without it a signature's form and date are checked, and not its value.
func WithAccessKey(accessKey, secretKey string) Option {
	return func(s *Server) { s.choosy, s.keys[accessKey] = true, signer(secretKey) }
}
