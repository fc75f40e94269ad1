package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// Reconciler takes jobs of custom resources one step further. [New] makes one. It is safe for
// concurrent use on different objects; a controller never reconciles one object twice at a time.
type Reconciler struct {
	client   client.Client
	waiter   *waiter.Waiter
	instance string // that reports the Events

	mu       sync.Mutex
	memories map[types.UID]memory
}

// New returns a Reconciler that writes with c and polls with p. c is the manager's client: its
// scheme has events.k8s.io/v1, as client-go's has, and it may create events and update the status
// of the custom resources. opts are those of waiter.New; the schedule is [waiter.WithBackOff].
// Each poll is a write of the status.
func New(c client.Client, p poller.Poller, opts ...waiter.Option) (*Reconciler, error) {
	if c == nil {
		return nil, errors.New("kubernetes: the client is nil")
	}
	if p != nil {
		p = masking{p}
	}
	w, err := waiter.New(p, opts...)
	if err != nil {
		return nil, fmt.Errorf("kubernetes: %w", err)
	}
	host, err := os.Hostname() // the pod's name
	if err != nil {
		host = "unknown"
	}
	return &Reconciler{client: c, waiter: w, instance: cut(host, 128), memories: make(map[types.UID]memory)}, nil
}

const lookAgain = 5 * time.Minute // where a person has to act first

// Reconcile takes the job of obj, which was just read, one step further: it submits the job that op
// describes, or polls the one that was submitted before, or makes no request because nothing is
// due. It writes the status, and creates the Events that the write recorded. Return what it
// returns: the result says when to come back. [IsReady] reports whether the job has succeeded.
//
// A job that was submitted for an earlier intent is followed to its end first. A job that has
// failed is not submitted again before op's Intent changes. The other ends of a wait are not the
// job's: it is asked for again every five minutes.
//
// The error is for what a later call may repair: the API server, or ctx's end. What the service
// refused is in the conditions. The status is written as a whole: set fields of your own before the
// call, or in a write of your own.
func (r *Reconciler) Reconcile(ctx context.Context, obj Object, op Operation) (reconcile.Result, error) {
	if err := op.complete(obj); err != nil {
		return reconcile.Result{}, reconcile.TerminalError(fmt.Errorf("kubernetes: %w", err))
	}
	if r.stale(obj) {
		return after(time.Second), nil
	}
	ctx = withMask(ctx, op.Secrets)
	result, err := r.reconcile(ctx, obj, op)
	switch {
	case errors.Is(err, errSuperseded):
		return after(time.Second), nil
	case errors.Is(err, errGone) && obj.Job().JobID == "":
		return reconcile.Result{}, nil // nothing is lost
	case err != nil:
		return reconcile.Result{}, fmt.Errorf("kubernetes: %w", err)
	}
	return result, nil
}

func (r *Reconciler) reconcile(ctx context.Context, obj Object, op Operation) (reconcile.Result, error) {
	if c := r.remembered(obj).unsaved; c != nil {
		if err := r.save(ctx, obj, *c); err != nil {
			return reconcile.Result{}, err
		}
	}
	if err := r.emit(ctx, obj); err != nil {
		return reconcile.Result{}, err
	}
	rec := obj.Job()
	switch now := time.Now(); {
	case rec.JobID != "" && (rec.Outcome == "" || rec.lost() && rec.Intent == op.Intent):
		return r.follow(ctx, obj, op)
	case rec.Intent == op.Intent && rec.Outcome != "":
		return reconcile.Result{}, r.observe(ctx, obj)
	case rec.NotBefore != nil && now.Before(rec.NotBefore.Time) && rec.Intent == op.Intent && (rec.Attempt == "" || r.remembered(obj).unsent != rec.Attempt):
		return after(rec.NotBefore.Sub(now)), nil
	case rec.unconfirmed():
		return r.check(ctx, obj, op)
	}
	return r.submit(ctx, obj, op)
}

// observe records that the end of the intent's job also stands for a generation that did not change
// the intent.
func (r *Reconciler) observe(ctx context.Context, obj Object) error {
	if obj.Job().Generation == obj.GetGeneration() {
		return nil
	}
	c := change{base: *obj.Job().DeepCopy(), record: obj.Job().next()}
	c.record.Generation, c.record.Writes = obj.GetGeneration(), c.base.Writes+1
	c.stand = standing(*obj.Conditions())
	return r.save(ctx, obj, c)
}

// follow makes one Step.
func (r *Reconciler) follow(ctx context.Context, obj Object, op Operation) (reconcile.Result, error) {
	before := obj.Job().progress()
	p, end := r.waiter.Step(ctx, before)
	if end != nil && !p.Done {
		return reconcile.Result{}, end // p is as it was
	}
	if !p.Done && p.Polls == before.Polls { // before it was due: there is nothing to store
		return after(p.Next), nil
	}
	c := change{base: *obj.Job().DeepCopy(), record: obj.Job().next()}
	c.record.Writes++
	c.record.Events = events(ctx, p.Transitions)
	c.stand = following(p, total(before.Failures))
	result := after(p.Next)
	c.record.Outcome = ""
	if p.Done {
		c.stand, result = ended(end)
		c.record.Outcome = waiter.Outcome(end)
		if c.record.lost() && op.applied(ctx, &c.record) {
			c.record.Outcome, c.stand, result = "success", applied, reconcile.Result{}
		}
		if c.stand.progressing { // the wait has ended, and not the job: a new wait begins later
			p = waiter.Progress{JobID: p.JobID, Job: p.Job, Trace: p.Trace, Due: time.Now().Add(lookAgain)}
			if !c.record.lost() {
				c.record.Outcome = ""
			}
		}
		if c.record.Outcome != "" && c.record.Intent != op.Intent {
			result = after(0) // the next job's turn
		}
	}
	c.stand.message = mask(ctx, c.stand.message)
	var whole bool
	if c.record.Progress, whole = encode(p); !whole { // all sub-jobs are new at each poll
		c.record.Events = events(ctx, slices.DeleteFunc(p.Transitions, status.Transition.IsSubJob))
	}
	if err := r.save(ctx, obj, c); errors.Is(err, errGone) {
		return reconcile.Result{}, nil // there is nothing left to follow it for
	} else if err != nil {
		return reconcile.Result{}, fmt.Errorf("storing what job %s has come to: %w", p.JobID, err)
	}
	log.FromContext(ctx).V(1).Info("polled the job", "jobID", p.JobID, "status", p.Job.Status, "next", p.Next)
	return result, r.emit(ctx, obj)
}

// ended returns where a wait stands that has ended.
func ended(end error) (stand, reconcile.Result) {
	outcome := waiter.Outcome(end)
	s := stand{ready: end == nil, failed: end != nil, reason: reason(outcome), message: "the job has succeeded"}
	if end != nil {
		s.message = end.Error()
	}
	if outcome == "failed" {
		s.message += " by changing the spec"
	}
	switch outcome {
	case "success", "failed", "sub_job_failed":
		return s, reconcile.Result{}
	}
	s.progressing = true
	if u, ok := errors.AsType[*waiter.UnfinishedError](end); ok {
		own := *u
		own.Advice = "It is asked for again every " + lookAgain.String()
		s.message = own.Error()
	}
	return s, after(lookAgain)
}

// after returns a result that comes back, however short d is.
func after(d time.Duration) reconcile.Result {
	return reconcile.Result{RequeueAfter: max(d, time.Millisecond)}
}
