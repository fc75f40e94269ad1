package poller_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest/conformance"
)

func TestConformance(t *testing.T) {
	for name, newCredential := range map[string]func() (credential.Credential, error){
		"token":      func() (credential.Credential, error) { return credential.Token(token), nil },
		"access key": func() (credential.Credential, error) { return credential.AccessKey(goodKey) },
	} {
		t.Run(name, func(t *testing.T) {
			conformance.Test(t, func(t *testing.T, endpoint, projectID string, hc *http.Client) poller.Poller {
				c, err := newCredential()
				require.NoError(t, err)
				p, err := poller.New(endpoint, projectID, poller.WithCredential(c), poller.WithHTTPClient(hc))
				require.NoError(t, err)
				return p
			})
		})
	}
}
