package tracker

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/sfsturbo/waiter/internal/wait"
)

// The contexts of waits are kept beside the jobs, because most Trackers have no hooks.

// waitContext returns the context of a job's polls and deliveries: the one of its WaitStart hooks,
// which are called unless they have been.
func (r *run) waitContext(j *job) context.Context {
	if r.contexts == nil {
		return r.ctx
	}
	r.mu.Lock()
	ctx := r.contexts[j]
	r.mu.Unlock()
	if ctx != nil {
		return ctx
	}
	ctx = r.ctx
	defer func() { // also when a hook panics: leave then calls the others' WaitEnd
		r.mu.Lock()
		defer r.mu.Unlock()
		r.contexts[j] = ctx
	}()
	j.WaitStart(&ctx)
	j.Carry(ctx)
	return ctx
}

// takeContext returns the context of a job whose wait is over, nil if the hooks were not called.
// t.mu is held.
func (t *Tracker) takeContext(j *job) context.Context {
	ctx := t.contexts[j]
	delete(t.contexts, j)
	return ctx
}

// waitEnd calls the hooks of a job whose wait is over.
func (t *Tracker) waitEnd(j *job, end *wait.End) {
	if t.contexts == nil {
		return
	}
	t.mu.Lock()
	ctx := t.takeContext(j)
	t.mu.Unlock()
	if ctx != nil {
		j.WaitEnd(ctx, end)
	}
}

// abandon returns what to call, without the mutex, because a job is forgotten. t.mu is held, and
// there is no flight.
func (t *Tracker) abandon(j *job) (call func()) {
	ctx := t.takeContext(j)
	if ctx == nil {
		return j.Abandon
	}
	end := j.Dropped(ErrForgotten, &j.State)
	return func() {
		j.Abandon()
		j.WaitEnd(ctx, end)
	}
}

// leave calls the WaitEnd hooks of the jobs that have not ended.
func (r *run) leave() {
	var calls []func()
	r.mu.Lock()
	for _, j := range slices.SortedFunc(maps.Keys(r.contexts), func(a, b *job) int { return cmp.Compare(a.number, b.number) }) {
		s := j.State
		if j.flight != nil { // what its last poll brought is for the next Run to deliver
			s.Job = j.flight.delivered
		}
		ctx, end := r.takeContext(j), j.Left(r.ctx, &s, time.Time{})
		calls = append(calls, func() { j.WaitEnd(ctx, end) })
	}
	r.mu.Unlock()
	for _, call := range calls {
		r.protect(call, func() {})
	}
}
