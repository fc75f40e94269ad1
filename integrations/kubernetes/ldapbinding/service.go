package ldapbinding

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/sfsturbo/waiter/integrations/kubernetes"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
)

// Service is the calls of SFS Turbo that bind, unbind and show.
type Service struct {
	Endpoint, Project string
	Credential        credential.Credential
	HTTP              *http.Client
}

// Bound is what a share is bound to, as the service shows it; zero if to nothing.
type Bound struct {
	URL    string `json:"url"`
	BaseDN string `json:"base_dn"`
	UserDN string `json:"user_dn"`
}

// Bind submits the job that binds a share, or that changes what it is bound to.
func (s Service) Bind(ctx context.Context, spec Spec, password string) (jobID string, err error) {
	method := http.MethodPut
	switch bound, err := s.Bound(ctx, spec.ShareID); {
	case err != nil:
		return "", fmt.Errorf("%w: %w", kubernetes.ErrNotSubmitted, err)
	case bound == (Bound{}):
		method = http.MethodPost
	}
	body := map[string]string{"url": spec.URL, "base_dn": spec.BaseDN}
	if spec.UserDN != "" {
		body["user_dn"], body["password"] = spec.UserDN, password
	}
	return s.submit(ctx, method, spec.ShareID, body)
}

// Unbind submits the job that unbinds a share. It returns "" for one that is not bound: only the
// service's refusal shows that no job is about to bind it.
func (s Service) Unbind(ctx context.Context, share string) (jobID string, err error) {
	jobID, err = s.submit(ctx, http.MethodDelete, share, nil)
	if e, ok := errors.AsType[*poller.Error](err); ok && e.StatusCode == http.StatusNotFound {
		if bound, e := s.Bound(ctx, share); e == nil && bound == (Bound{}) {
			return "", nil
		}
	}
	return jobID, err
}

// Bound asks what a share is bound to.
func (s Service) Bound(ctx context.Context, share string) (Bound, error) {
	code, body, err := s.call(ctx, http.MethodGet, share, nil)
	if err != nil {
		return Bound{}, err
	}
	var bound Bound
	if code == http.StatusOK {
		err = json.Unmarshal(body, &bound)
		if err == nil && bound.URL == "" {
			err = errors.New("the response has no url")
		}
		return bound, err
	}
	_, err = poller.JobID(code, body) // which decodes the refusal
	if refused, ok := errors.AsType[*poller.Error](err); ok && code == http.StatusNotFound && refused.Code == "SFS.TURBO.0002" {
		return Bound{}, nil
	}
	return Bound{}, err
}

func (s Service) submit(ctx context.Context, method, share string, body any) (string, error) {
	code, response, err := s.call(ctx, method, share, body)
	if err != nil {
		return "", err
	}
	return poller.JobID(code, response)
}

func (s Service) call(ctx context.Context, method, share string, body any) (int, []byte, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	if body == nil {
		data = nil
	}
	target := fmt.Sprintf("%s/v1/%s/sfs-turbo/shares/%s/fs/ldap", s.Endpoint, url.PathEscape(s.Project), url.PathEscape(share))
	r, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(data))
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", kubernetes.ErrNotSubmitted, err)
	}
	r.Header.Set("Content-Type", "application/json")
	if err := s.Credential.Authorize(ctx, r); err != nil {
		return 0, nil, fmt.Errorf("%w: %w", kubernetes.ErrNotSubmitted, err)
	}
	c := *s.HTTP
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the token would go with it
	response, err := c.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	read, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if token := r.Header.Get("X-Auth-Token"); token != "" { // a proxy may repeat it
		read = bytes.ReplaceAll(read, []byte(token), []byte("[token]"))
	}
	return response.StatusCode, read, err
}
