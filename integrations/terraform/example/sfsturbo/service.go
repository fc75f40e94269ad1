package sfsturbo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/sfsturbo/waiter/integrations/terraform"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
)

// service makes the calls that are not polls.
type service struct {
	client     *poller.Client
	credential credential.Credential
	runner     *terraform.Runner
}

// binding is what a share is bound to, as the service's calls spell it.
type binding struct {
	URL      string `json:"url"`
	BaseDN   string `json:"base_dn"`
	UserDN   string `json:"user_dn"`
	Password string `json:"password,omitempty"`
}

// visible is b without what the service does not show.
func (b binding) visible() binding {
	b.Password = ""
	return b
}

// show returns what a share is bound to; nil if to nothing.
func (s *service) show(ctx context.Context, share string) (*binding, error) {
	status, body, err := s.do(ctx, http.MethodGet, share, nil)
	if err != nil {
		return nil, err
	}
	if status/100 == 2 {
		var b binding
		return &b, json.Unmarshal(body, &b)
	}
	_, err = poller.JobID(status, body) // the status is not 2xx: the error has the response's code
	if e, ok := errors.AsType[*poller.Error](err); ok && status == http.StatusNotFound && e.Code == "SFS.TURBO.0002" {
		return nil, nil //nolint:nilnil // nothing is bound, and nothing is wrong
	}
	return nil, err
}

// submit starts the job that binds, updates or unbinds, and returns its id.
func (s *service) submit(ctx context.Context, method, share string, b *binding) (string, error) {
	status, body, err := s.do(ctx, method, share, b)
	if err != nil {
		return "", err
	}
	return poller.JobID(status, body)
}

func (s *service) do(ctx context.Context, method, share string, b *binding) (int, []byte, error) {
	endpoint, project, err := s.client.Project(ctx)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", terraform.ErrNotStarted, err)
	}
	var sent io.Reader
	if b != nil {
		data, err := json.Marshal(b)
		if err != nil {
			return 0, nil, fmt.Errorf("%w: %w", terraform.ErrNotStarted, err)
		}
		sent = bytes.NewReader(data)
	}
	call := fmt.Sprintf("%s/v1/%s/sfs-turbo/shares/%s/fs/ldap", endpoint, url.PathEscape(project), url.PathEscape(share))
	r, err := http.NewRequestWithContext(ctx, method, call, sent)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", terraform.ErrNotStarted, err)
	}
	r.Header.Set("Content-Type", "application/json")
	if err := s.credential.Authorize(ctx, r); err != nil {
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
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, body, err
}
