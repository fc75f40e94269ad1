package poller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter/internal/wire"
	"github.com/sfsturbo/waiter/poller/credential"
)

// project is a project whose name is known. Its id is looked up once.
type project struct {
	name string
	iam  string // its endpoint
	list string // URL
	turn chan struct{}
	id   atomic.Pointer[string]

	// Of the last look-up that failed; guarded by turn.
	failure error
	until   time.Time // until then, failure is returned without another look-up
}

// Project returns where the jobs are: the endpoint, and the id of the project. If only the
// project's name is known, it looks up the id and keeps it, as the first poll does, with
// the same errors; otherwise it does not use the network. A program that makes other calls
// of the service, such as the one that submits the job, sends them there:
// {endpoint}/v1/{id}/sfs-turbo/...
func (c *Client) Project(ctx context.Context) (endpoint, id string, err error) {
	if c.named == nil {
		return c.base, c.project, nil
	}
	id, err = c.named.find(ctx, c.get)
	return c.base, id, err
}

type getter func(context.Context, call, decoder) (Reply, error)

// find returns the id. One poll at a time asks for it; the others wait.
func (p *project) find(ctx context.Context, get getter) (string, error) {
	if id := p.id.Load(); id != nil {
		return *id, nil
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return "", fmt.Errorf("waiting for the id of project %q: %w", p.name, ctx.Err())
	}
	if id := p.id.Load(); id != nil {
		return *id, nil
	}
	if time.Now().Before(p.until) {
		return "", p.failure
	}
	var found string
	_, err := get(ctx, call{url: p.list, place: place{p.iam, strconv.Quote(p.name)}}, func(body []byte, secrets []string) (own bool, err error) {
		found, err = p.decode(body, secrets)
		return true, err
	})
	if err == nil && found == "" {
		err = backoff.Permanent(errors.New("IAM has no project with that name: check the name and the region"))
	}
	if err != nil {
		err = p.failed(err)
		if ctx.Err() == nil { // otherwise it says nothing about IAM
			p.failure, p.until = err, time.Now().Add(pauseAfter(err))
		}
		return "", err
	}
	p.id.Store(&found)
	return found, nil
}

// decode returns the id of the project in a list, or "".
func (p *project) decode(body []byte, secrets []string) (string, error) {
	var list struct {
		Projects []struct{ ID, Name string }
	}
	if err := json.Unmarshal(body, &list); err != nil || list.Projects == nil {
		return "", fmt.Errorf("the response is not a list of projects: %s", wire.Describe(body, secrets...))
	}
	for _, one := range list.Projects {
		if one.Name == p.name && checkSegment("id", one.ID) == nil {
			return one.ID, nil
		}
	}
	return "", nil
}

// pauseAfter returns how long err is returned without another look-up, so that a thousand
// waits do not make a thousand.
func pauseAfter(err error) time.Duration {
	e, _ := errors.AsType[*Error](err)
	switch verdict := Classify(err); {
	case verdict == Permanent, verdict == Unauthorized:
		return time.Minute
	case e != nil:
		return min(max(time.Second, e.RetryAfter), 2*time.Minute)
	}
	return time.Second
}

// failed wraps an error of the look-up. It must not be taken for an error of the job.
func (p *project) failed(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.StatusCode == 0 || is[*credential.Error](err) {
		err = fmt.Errorf("looking up project %q: %w", p.name, err)
	} else {
		plain := *e
		plain.Asked = "" // it is in the text already
		text := fmt.Sprintf("looking up project %q in IAM at %s: %s", p.name, p.iam, plain.said(longest))
		if e.StatusCode == http.StatusUnauthorized {
			text += "; " + plain.hintRefused()
		}
		err = withText{text, e}
	}
	if verdict := Classify(err); verdict == NotFound || verdict == Permanent {
		err = fmt.Errorf("%w; check HW_AUTH_URL and what the user may do, or set HW_PROJECT_ID", err)
		return backoff.Permanent(err)
	}
	return err
}
