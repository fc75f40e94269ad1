package waiter

import (
	"time"

	"go.uber.org/zap"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/status"
)

func (r *run) logPoll(next follow.Next) {
	if entry := r.log.Check(zap.DebugLevel, "polled"); entry != nil {
		entry.Write(r.job(), zap.Int("polls", r.state.Polls),
			zap.String("status", oneLine(r.state.Job.Status)), zap.NamedError("failure", next.Failure))
	}
	if next.NewFailure && next.End == follow.Open { // an error that ends the wait is returned, not logged too
		r.log.Warn("poll failed", r.job(), zap.Int("polls", r.state.Polls), zap.Error(next.Failure))
	}
	for _, warning := range next.Warnings {
		r.log.Warn(warning, r.job())
	}
}

// logRefusal logs the first of a run of refusals.
func (r *run) logRefusal(err error) {
	if !r.refused {
		r.refused = true
		r.log.Warn("not polled", r.job(), zap.Error(err))
	}
}

func (r *run) logTransition(t status.Transition) {
	if entry := r.log.Check(zap.InfoLevel, "transition"); entry != nil {
		entry.Write(r.job(), zap.String("sub_job", oneLine(t.SubJob)), zap.String("job_type", oneLine(t.Job.Type)),
			zap.String("from", oneLine(t.From)), zap.String("to", oneLine(t.To)))
	}
}

// logClock logs, once for a Waiter, that this machine's clock is off by about as much
// as a signature is good for, or more.
func (r *run) logClock(served, now time.Time) {
	ahead := now.Sub(served)
	if served.IsZero() || ahead.Abs() <= 14*time.Minute {
		return
	}
	r.clock.Do(func() {
		r.log.Warn("this machine's clock is off; signatures by an access key go by the service's", zap.Duration("ahead", ahead.Round(time.Second)))
	})
}

func (r *run) job() zap.Field { return zap.String("job_id", r.state.Job.ID) }
