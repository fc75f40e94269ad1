package credential

import (
	"crypto/sha256"
	"strings"
)

// key is an access key with its secret key.
type key struct {
	access, secret, token string
	digest                [sha256.Size]byte
}

func newKey(access, secret, token string) (key, error) {
	switch {
	case access == "" && secret == "":
		return key{}, permanent("the access key and its secret key are empty: the console has them under \"My Credentials\"")
	case access == "":
		return key{}, permanent("the access key is empty, its secret key is not")
	case secret == "":
		return key{}, permanent("the access key's secret key is empty")
	case strings.ContainsAny(access, ", ="):
		return key{}, permanent("the access key has a comma, a space or an equals sign in it: give it as the console shows it")
	}
	for _, part := range []struct{ name, value string }{
		{"access key", access}, {"secret key", secret}, {"security token", token},
	} {
		if err := sendable(part.name, part.value); err != nil {
			return key{}, err
		}
	}
	return key{access, secret, token, sha256.Sum256([]byte(access + "\n" + secret + "\n" + token))}, nil
}

// name identifies the key in errors, without showing all of it.
func (k key) name() string { return k.access[:min(4, len(k.access))] + "..." }
