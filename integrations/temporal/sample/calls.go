package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"go.temporal.io/sdk/temporal"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
)

// Calls are the activities that call the service.
type Calls struct {
	Endpoint, Project string
	Credential        credential.Credential
}

// Bind starts the job that binds an LDAP server, and returns its id.
func (c *Calls) Bind(ctx context.Context, share string, b Binding) (string, error) {
	code, body, err := c.do(ctx, http.MethodPost, share, b)
	if err != nil {
		return "", err
	}
	return poller.JobID(code, body)
}

// Unbind starts the job that removes what a binding has left, and returns its id.
func (c *Calls) Unbind(ctx context.Context, share string) (string, error) {
	code, body, err := c.do(ctx, http.MethodDelete, share, nil)
	if err != nil {
		return "", err
	}
	return poller.JobID(code, body)
}

// Verify fails if the share is not bound to b.
func (c *Calls) Verify(ctx context.Context, share string, b Binding) error {
	code, body, err := c.do(ctx, http.MethodGet, share, nil)
	if err != nil {
		return err
	}
	if code != http.StatusOK {
		_, err := poller.JobID(code, body) // reads the refusal
		return fmt.Errorf("what share %s is bound to: %w", share, err)
	}
	var bound Binding
	if err := json.Unmarshal(body, &bound); err != nil {
		return fmt.Errorf("what share %s is bound to: %w", share, err)
	}
	if bound != b {
		return temporal.NewNonRetryableApplicationError(fmt.Sprintf("share %s is bound to %s, not to %s", share, bound.URL, b.URL), "NotBound", nil)
	}
	return nil
}

func (c *Calls) do(ctx context.Context, method, share string, sent any) (code int, received []byte, err error) {
	var body []byte
	if sent != nil {
		if body, err = json.Marshal(sent); err != nil {
			return 0, nil, err
		}
	}
	call := fmt.Sprintf("%s/v1/%s/sfs-turbo/shares/%s/fs/ldap", c.Endpoint, url.PathEscape(c.Project), url.PathEscape(share))
	r, err := http.NewRequestWithContext(ctx, method, call, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if err := c.Credential.Authorize(ctx, r); err != nil {
		return 0, nil, err
	}
	// A redirect is not followed: the token would be sent along.
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	resp, err := client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	received, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, received, err
}
