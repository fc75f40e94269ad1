package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
)

// Provisioner is the code under test. A test needs no more than its endpoint and its HTTP client.
type Provisioner struct {
	Endpoint, Project, Token string
	HTTP                     *http.Client
}

// BindLDAP binds an LDAP server to a share, and returns when the share is ready for its users.
func (p Provisioner) BindLDAP(ctx context.Context, share, ldapURL string) error {
	client, err := poller.New(p.Endpoint, p.Project,
		poller.WithCredential(credential.Token(p.Token)), poller.WithHTTPClient(p.HTTP))
	if err != nil {
		return err
	}
	w, err := waiter.New(client)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	_, err = w.Run(ctx, func(ctx context.Context) (string, error) { return p.submit(ctx, share, ldapURL) })
	if err != nil {
		return fmt.Errorf("share %s is not ready: %w", share, err)
	}
	return nil
}

func (p Provisioner) submit(ctx context.Context, share, ldapURL string) (jobID string, err error) {
	body, err := json.Marshal(map[string]string{"url": ldapURL, "base_dn": "dc=example,dc=com"})
	if err != nil {
		return "", err
	}
	url := p.Endpoint + "/v1/" + p.Project + "/sfs-turbo/shares/" + share + "/fs/ldap"
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Auth-Token", p.Token)
	resp, err := p.HTTP.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	return poller.JobID(resp.StatusCode, data)
}
