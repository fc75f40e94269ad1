package kubernetes

import (
	"context"
	"errors"

	"github.com/sfsturbo/waiter/internal/wire"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

type maskKey struct{}

// withMask makes texts that come from the service, or from the caller's functions, show none of
// the secrets: as they are or escaped, such as in the JSON that was sent.
func withMask(ctx context.Context, secrets []string) context.Context {
	return context.WithValue(ctx, maskKey{}, secrets)
}

func mask(ctx context.Context, text string) string {
	secrets, _ := ctx.Value(maskKey{}).([]string)
	return wire.Mask(text, secrets...)
}

// masking is a Poller whose replies and errors show no secret: so neither do a log line of the
// Waiter, nor what it stores.
type masking struct{ poller.Poller }

func (m masking) Poll(ctx context.Context, jobID string) (poller.Reply, error) {
	reply, err := m.Poller.Poll(ctx, jobID)
	if err != nil {
		return reply, maskError(ctx, err)
	}
	reply.Job = reply.Job.Clone()
	maskJob(ctx, &reply.Job)
	for i := range reply.Job.SubJobs {
		maskJob(ctx, &reply.Job.SubJobs[i])
	}
	return reply, nil
}

// maskJob leaves the id and the status alone: they decide what has changed.
func maskJob(ctx context.Context, j *status.Job) {
	j.Type, j.ErrorCode, j.FailReason = mask(ctx, j.Type), mask(ctx, j.ErrorCode), mask(ctx, j.FailReason)
	j.BeginTime, j.EndTime = status.Timestamp(mask(ctx, string(j.BeginTime))), status.Timestamp(mask(ctx, string(j.EndTime)))
}

// masked is an error with another text. It is found as what it is.
type masked struct {
	text string
	err  error
}

func (e masked) Error() string { return e.text }
func (e masked) Unwrap() error { return e.err }

func maskError(ctx context.Context, err error) error {
	text := err.Error()
	shown := mask(ctx, text)
	if e, ok := errors.AsType[*poller.Error](err); ok && e != nil { // reports take its fields
		own := *e
		own.Code, own.Message = mask(ctx, own.Code), mask(ctx, own.Message)
		if own.Err != nil {
			own.Err = masked{mask(ctx, own.Err.Error()), own.Err}
		}
		if error(e) == err { //nolint:errorlint // not one that it is wrapped in
			return &own
		}
		return masked{shown, errors.Join(&own, err)}
	}
	if shown == text {
		return err
	}
	return masked{shown, err}
}
