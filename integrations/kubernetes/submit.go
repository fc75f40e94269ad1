package kubernetes

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
)

// Operation is the job that a custom resource asks for.
type Operation struct {
	// Intent says what the job is for: at most one job is submitted for each. "" is the resource's
	// generation, which changes with each change of its spec, and when it is deleted. Give a digest
	// of those fields that the job depends on if there are others.
	Intent string

	// Submit submits the job and returns its id: see poller.JobID. It returns "" if there is nothing
	// to do, which makes the resource Ready. It sends one request that starts a job, and does not
	// repeat it: the job may have been started by the first. ctx ends after 15 s, and does not
	// end when the process is asked to stop. These errors prove that nothing was started, and it is
	// submitted again later: a *poller.Error with a 4xx other than 408, a failure to connect, a
	// certificate that does not verify, and any error that wraps [ErrNotSubmitted]. After any other
	// one Check decides. Its errors are shown: without a token, or with the token in Secrets.
	Submit func(ctx context.Context) (jobID string, err error)

	// Check says what came of a submit whose response was lost, by asking for the resource that the
	// job changes. It is asked every 30 s for 15 minutes, and then every 5. An error is reported,
	// and means Unknown. It is asked once before each submit too: IsApplied is believed only if it
	// was not so then, such as where all but a password was as wanted. Without Check, a person
	// decides.
	Check func(ctx context.Context) (Finding, error)

	// Secrets never show in a status, condition, Event or log line, even if the service repeats
	// them. Give also those of an earlier intent, because its job is followed first. Those of one or
	// two characters make texts unreadable.
	Secrets []string
}

// Finding is what an [Operation.Check] finds.
type Finding int

// The findings. Unknown is the only one that needs no proof.
const (
	Unknown    Finding = iota // the job may run, or may have failed
	IsApplied                 // what the job is for is there
	NotStarted                // no job was started; believed if the submit was over a minute ago, because it may still be on its way before
)

// ErrNotSubmitted is for an error of [Operation.Submit] to wrap, if the request was not sent.
var ErrNotSubmitted = errors.New("nothing was submitted")

const (
	recordTimeout = 5 * time.Second // with the next two, within a manager's 30 s to shut down
	submitTimeout = 15 * time.Second
	saveTimeout   = 10 * time.Second
	checkTimeout  = 15 * time.Second
	settled       = time.Minute // after which a submit is no longer on its way
	checkOften    = 15 * time.Minute
	soon          = 30 * time.Second
)

func (op *Operation) complete(obj Object) error {
	if op.Intent == "" {
		op.Intent = strconv.FormatInt(obj.GetGeneration(), 10)
	}
	switch {
	case op.Submit == nil:
		return errors.New("Operation.Submit is nil")
	case len(op.Intent) > maxText:
		return fmt.Errorf("Operation.Intent has %d bytes: use a digest", len(op.Intent))
	case obj.GetUID() == "":
		return errors.New("the object was not read from the API server: it has no UID")
	case len(obj.GetFinalizers()) == 0: // its deletion would lose the id
		return errors.New("the object has no finalizer: add one before a job is submitted for it")
	}
	return nil
}

// submit records the intent, submits, and records the id.
func (r *Reconciler) submit(ctx context.Context, obj Object, op Operation) (reconcile.Result, error) {
	if ctx.Err() != nil {
		return reconcile.Result{}, ctx.Err()
	}
	if err := r.probe(ctx, obj); err != nil {
		return reconcile.Result{}, fmt.Errorf("before the submit: %w", err)
	}
	finding, err := op.find(ctx)
	if ctx.Err() != nil {
		return reconcile.Result{}, ctx.Err()
	}
	now := metav1.Now()
	attempt := rand.Text()
	intent := Record{
		Intent: op.Intent, Generation: obj.GetGeneration(), Attempt: attempt, SubmittedAt: &now, Writes: obj.Job().Writes + 1,
		Held: err != nil || finding == IsApplied,
	}
	// One attempt: after a conflict the resource may ask for something else.
	// From here on it does not end with ctx: a process that is asked to stop leaves no attempt open.
	recording, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	err = r.write(recording, obj, change{record: intent, stand: stand{progressing: true, reason: Submitting, message: "the job is being submitted"}})
	cancel()
	if err != nil {
		r.remember(obj, func(m *memory) { m.unsent = attempt }) // the write may have arrived all the same
		return reconcile.Result{}, fmt.Errorf("recording the intent, before the submit: %w", err)
	}
	submitting, cancel := context.WithTimeout(context.WithoutCancel(ctx), submitTimeout)
	id, err := op.Submit(submitting)
	cancel()

	c := change{base: intent, record: intent.next()}
	c.record.Writes++
	result := after(0)
	switch {
	case id == "" && err == nil:
		c.record.Outcome, result = "success", reconcile.Result{}
		c.stand = stand{ready: true, reason: Applied, message: "nothing was submitted: it is as wanted already"}
		c.record.Events = []Event{{corev1.EventTypeNormal, Applied, c.stand.message}}
	case poller.CheckID(id) == nil: // an error beside it is not about the submit
		c.record.JobID = id
		c.record.Progress, _ = encode(waiter.Progress{JobID: id})
		c.record.Events = []Event{{corev1.EventTypeNormal, Submitted, cut("job "+id+" was submitted", maxText)}}
		c.stand = stand{progressing: true, reason: Submitted, message: "job " + id + " was submitted"}
		log.FromContext(ctx).Info("submitted the job", "jobID", id)
	case notStarted(err):
		r.remember(obj, func(m *memory) { m.unsent = attempt })
		d := refusedFor(err)
		result = after(d)
		c.record.Attempt, c.record.SubmittedAt, c.record.NotBefore = "", nil, later(d)
		c.stand = stand{progressing: true, failed: d == lookAgain, reason: SubmitRefused, message: fmt.Sprintf("nothing was started: %v. It is submitted again in %v", err, d)}
		c.record.Events = []Event{{corev1.EventTypeWarning, SubmitRefused, cut(mask(ctx, c.stand.message), maxText)}}
	default:
		err = cmp.Or(err, poller.CheckID(id))
		result = after(soon)
		c.record.NotBefore = later(soon)
		c.stand = unconfirmed(&c.record, op, err)
		c.record.Events = []Event{{corev1.EventTypeWarning, SubmitUnconfirmed, cut(mask(ctx, c.stand.message), maxText)}}
	}
	c.stand.message = mask(ctx, c.stand.message)
	if err := r.save(ctx, obj, c); err != nil {
		if c.record.JobID != "" {
			return reconcile.Result{}, fmt.Errorf("job %s was submitted, and its id could not be stored: %w", id, err)
		}
		return reconcile.Result{}, err
	}
	return result, r.emit(ctx, obj)
}

// notStarted reports whether an error of Submit proves that no job was started.
func notStarted(err error) bool {
	if errors.Is(err, ErrNotSubmitted) {
		return true
	}
	if e, ok := errors.AsType[*poller.Error](err); ok && e != nil && e.StatusCode != 0 {
		return e.StatusCode/100 == 4 && e.StatusCode != http.StatusRequestTimeout
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && e != nil {
		return e.Op == "dial"
	}
	_, unknown := errors.AsType[*net.DNSError](err)
	_, unverified := errors.AsType[*tls.CertificateVerificationError](err)
	return unknown || unverified
}

// refusedFor returns how long after a refusal the job is submitted again.
func refusedFor(err error) time.Duration {
	e, ok := errors.AsType[*poller.Error](err)
	if !ok || e.StatusCode == 0 {
		return soon
	}
	if e.Code == "SFS.TURBO.0011" || e.Code == "SFS.TURBO.0037" { // the share is busy
		return max(soon, min(e.RetryAfter, lookAgain))
	}
	switch poller.Classify(err) {
	case poller.Passing, poller.Throttled:
		return max(soon, min(e.RetryAfter, lookAgain))
	}
	return lookAgain
}

// later returns the moment d from now as the API stores it: to the second, not before it.
func later(d time.Duration) *metav1.Time {
	t := metav1.NewTime(time.Now().Add(d + time.Second - 1).Truncate(time.Second))
	return &t
}
