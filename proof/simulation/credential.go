package simulation

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
)

const (
	project   = "a-project"
	secretKey = "a-secret-key-that-is-long"
	accessID  = "AKSIMULATED000000000"
)

// identities are what the server accepts: two tokens, an access key, and the tokens that it issues.
func identities() []pollertest.Option {
	return []pollertest.Option{
		pollertest.WithToken(tokenOf(0)), pollertest.WithToken(tokenOf(1)), pollertest.WithAccessKey(accessID, secretKey),
	}
}

func tokenOf(n int32) string { return fmt.Sprintf("a-token-that-is-long-%d", n%2) }

func (o *Options) credential(endpoint string, client *http.Client) credential.Credential {
	switch o.Credential {
	case function:
		return credential.TokenFunc(func(ctx context.Context) (string, error) {
			if a, ok := ctx.Value(lost{}).(*Response); ok && a.Kind == noToken {
				if err := pause(ctx, a.Latency); err != nil {
					return "", err
				}
				return "", kinds[noToken].local
			}
			return tokenOf(0), nil
		})
	case refresher:
		return &renewing{}
	case password:
		return must(credential.Password(credential.PasswordOptions{
			IAMEndpoint: endpoint, User: "user", Password: "a-password-that-is-long", Domain: "account",
			ProjectID: project, HTTPClient: client,
		}))
	case accessKey:
		return must(credential.AccessKey(credential.AccessKeyOptions{AccessKey: accessID, SecretKey: secretKey, ProjectID: project}))
	}
	return credential.Token(tokenOf(0))
}

// renewing is a Refresher as a user may write it.
type renewing struct{ renewals atomic.Int32 }

func (c *renewing) Authorize(_ context.Context, r *http.Request) error {
	r.Header.Set("X-Auth-Token", tokenOf(c.renewals.Load()))
	return nil
}

func (c *renewing) Refresh(context.Context, *http.Request) error {
	c.renewals.Add(1)
	return nil
}
