package conformance_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pollertest/conformance"
	"github.com/sfsturbo/waiter/status"
)

// myPoller is a Poller that a program has written itself.
type myPoller struct {
	jobs   string
	client http.Client
}

func newMyPoller(_ *testing.T, endpoint, projectID string, hc *http.Client) poller.Poller {
	p := &myPoller{jobs: endpoint + "/v1/" + projectID + "/sfs-turbo/jobs/", client: *hc}
	p.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return p
}

func (p *myPoller) Poll(ctx context.Context, jobID string) (poller.Reply, error) {
	if err := poller.CheckID(jobID); err != nil {
		return poller.Reply{}, backoff.Permanent(err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.jobs+url.PathEscape(jobID), nil)
	if err != nil {
		return poller.Reply{}, err
	}
	r.Header.Set("X-Auth-Token", "MIIQtgYJKoZIhvcNAQcC...")
	resp, err := p.client.Do(r)
	if err != nil {
		return poller.Reply{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if resp.StatusCode != http.StatusOK { // Classify knows the rest
		var said struct {
			ErrCode   string `json:"errCode"`    // the service's
			ErrorCode string `json:"error_code"` // the gateway's
		}
		_ = json.Unmarshal(body, &said)
		return poller.Reply{}, &poller.Error{StatusCode: resp.StatusCode, Code: said.ErrCode + said.ErrorCode}
	}
	var job status.Job
	if err == nil {
		err = json.Unmarshal(body, &job)
	}
	switch {
	case err != nil:
		return poller.Reply{}, err
	case job.Status == "":
		return poller.Reply{}, errors.New("the response has no status")
	case job.ID != "" && !status.SameID(job.ID, jobID):
		return poller.Reply{}, errors.New("the response is for another job")
	}
	return poller.Reply{Job: job}, nil
}

// A program tests its own Poller in one line, in a file that ends in _test.go.
func Example() {
	_ = func(t *testing.T) { // func TestMyPoller(t *testing.T)
		conformance.Test(t, newMyPoller)
	}
	// Output:
}
