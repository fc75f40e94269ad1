package waiter

import (
	"context"
	"errors"
	"sync"

	"github.com/sfsturbo/waiter/status"
)

const pollsAtOnce = 16 // of one WaitAll

// WaitAll waits for each of the jobs, whatever happens to the others, and returns
// them as last seen, in the order of jobIDs. The error joins those of the waits
// that did not end in success, in the same order; errors.As finds the first of a
// kind, and each names its job. At most 16 polls are in flight. Callbacks run one at
// a time, on the goroutine that calls WaitAll; what else was given to [New], a
// Poller or a hook, runs on others, where a panic is nobody's to recover. An id given
// twice is followed once. To go on from checkpoints, or for options of one call, use
// Wait in goroutines of your own.
func (w *Waiter) WaitAll(ctx context.Context, jobIDs ...string) ([]status.Job, error) {
	ctx, cancel := context.WithCancel(ctx)
	left := make(chan struct{})
	var waits sync.WaitGroup
	defer func() { // also when a callback panics
		cancel()
		close(left)
		waits.Wait()
	}()

	type result struct {
		job status.Job
		err error
	}
	calls := make(chan func()) // what waits want done on this goroutine
	gate := make(chan struct{}, pollsAtOnce)
	results := make(map[string]*result, len(jobIDs))
	for _, id := range jobIDs {
		if results[id] != nil {
			continue
		}
		res := &result{job: status.Job{ID: id}}
		results[id] = res
		r, err := w.start(id, nil)
		if err != nil {
			res.err = err
			continue
		}
		r.gate = gate
		if len(r.callbacks) > 0 {
			r.tell = func(t status.Transition) bool {
				heard := make(chan struct{})
				select {
				case calls <- func() { r.callBack(t); close(heard) }:
				case <-left:
					return false
				}
				select {
				case <-heard:
					return true
				case <-left:
					return false
				}
			}
		}
		waits.Go(func() {
			res.job, res.err = r.wait(ctx)
		})
	}
	go func() {
		waits.Wait()
		close(calls)
	}()
	for call := range calls {
		call()
	}

	jobs := make([]status.Job, len(jobIDs))
	var errs []error
	for i, id := range jobIDs {
		jobs[i] = results[id].job.Clone()
		errs = append(errs, results[id].err)
		results[id].err = nil // once, also of an id given twice
	}
	return jobs, errors.Join(errs...)
}
