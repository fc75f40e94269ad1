package terraform

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/status"
)

// ErrNotStarted is for a Submit to wrap, in an error that proves that no job was started: the call
// was not sent. Runner itself knows a 4xx of *poller.Error, a *credential.Error, a connection that
// could not be made and a certificate that did not verify. After any other error a job may have
// been started.
var ErrNotStarted = errors.New("no job was started")

// submit starts a job and waits for it. A share runs one operation at a time: while it is busy with
// another one, the call is made again.
func (a *run) submit(ctx context.Context, before Attempt) Result {
	schedule := pace.Exponential()
	for {
		if ctx.Err() != nil {
			return a.notStarted(context.Cause(ctx))
		}
		held, err := a.holds(ctx)
		switch {
		case err != nil:
			return a.notStarted(err)
		case held && before == Same && a.found.proven():
			return *a.done(ctx, status.Job{ID: a.found.JobID})
		}
		a.now = &record{Version: 1, Intent: a.Intent, JobType: a.JobType, Held: held, At: time.Now()}
		if err := a.page.write(a.now); err != nil {
			a.diags.AddError("No job was started", err.Error())
			return Result{End: NotStarted}
		}
		id, err := a.call(ctx, before)
		switch {
		case err == nil && id == "":
			return *a.done(ctx, status.Job{})
		case err == nil:
			return a.await(ctx, id)
		case !busy(err) && notSent(err):
			return a.notStarted(err)
		case !busy(err):
			a.fault("A "+a.JobType+" job may have been started", err.Error()+
				"\n\nThe response to the call that starts it is lost, and with it the job's id. Apply again: "+
				"that looks first whether the change has been made.", code(err))
			return Result{End: MaybeStarted}
		}
		select {
		case <-ctx.Done():
			return a.notStarted(err)
		case <-time.After(schedule.NextBackOff()):
		}
	}
}

func (a *run) holds(ctx context.Context) (bool, error) {
	if a.Holds == nil {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, SubmitTimeout)
	defer cancel()
	return a.Holds(ctx)
}

// call is not cut by an interrupt: the response has the job's id.
func (a *run) call(ctx context.Context, before Attempt) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), SubmitTimeout)
	defer cancel()
	return a.Submit(ctx, before)
}

// notStarted puts back what the journal had: an earlier attempt may still be open.
func (a *run) notStarted(err error) Result {
	a.clear(a.found)
	what := "No " + a.JobType + " job was started"
	if busy(err) {
		what += ": the object is busy with another operation"
	}
	a.fault(what, err.Error(), code(err))
	return Result{End: NotStarted}
}

// busy reports whether another operation runs on the share.
func busy(err error) bool {
	e, ok := errors.AsType[*poller.Error](err)
	return ok && (e.Code == "SFS.TURBO.0011" || e.Code == "SFS.TURBO.0037")
}

// notSent reports whether err proves that no job was started.
func notSent(err error) bool {
	if e, ok := errors.AsType[*poller.Error](err); ok && e.StatusCode != 0 {
		return errors.Is(err, ErrNotStarted) || e.StatusCode/100 == 4 && e.StatusCode != http.StatusRequestTimeout
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" {
		return true
	}
	_, unauthorized := errors.AsType[*credential.Error](err)
	_, unverified := errors.AsType[*tls.CertificateVerificationError](err)
	return unauthorized || unverified || errors.Is(err, ErrNotStarted)
}

func code(err error) string {
	if e, ok := errors.AsType[*poller.Error](err); ok {
		return e.Code
	}
	return ""
}
