package poller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/cenkalti/backoff/v4"
)

// project is one whose name is known, and whose id is asked for once.
type project struct {
	name string
	base string // of the jobs' URL
	list string // URL
	turn chan struct{}
	id   atomic.Pointer[string]
}

type getter func(ctx context.Context, address, projectID string, decode func(body []byte, secrets []string) error) (Reply, error)

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
	var found string
	_, err := get(ctx, p.list, "", func(body []byte, _ []string) (err error) {
		found, err = p.decode(body)
		return err
	})
	if err == nil && found == "" {
		err = backoff.Permanent(errors.New("IAM knows none of that name: check it, and the region"))
	}
	if err != nil {
		return "", p.failed(err)
	}
	p.id.Store(&found)
	return found, nil
}

// decode returns the id of the project in a list, or "".
func (p *project) decode(body []byte) (string, error) {
	var list struct {
		Projects []struct{ ID, Name string }
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return "", fmt.Errorf("the answer is not a list of projects: %w", err)
	}
	for _, one := range list.Projects {
		if one.Name == p.name && checkSegment("id", one.ID) == nil {
			return one.ID, nil
		}
	}
	return "", nil
}

// failed is an error of the look-up. It must not be taken for one of a job.
func (p *project) failed(err error) error {
	verdict := Classify(err)
	err = fmt.Errorf("looking up project %q: %w", p.name, err)
	if verdict == NotFound || verdict == Permanent {
		return backoff.Permanent(err)
	}
	return err
}
