package wait

import (
	"time"

	"go.uber.org/zap"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/internal/wire"
	"github.com/sfsturbo/waiter/status"
)

func (f *Follower) logPoll(n follow.Next) {
	defer f.took("the logger", time.Now())
	if entry := f.Log.Check(zap.DebugLevel, "polled"); entry != nil {
		entry.Write(f.job(), zap.Int("polls", f.State.Polls),
			zap.String("status", wire.OneLine(f.State.Job.Status)), zap.NamedError("failure", n.Failure))
	}
	if n.NewFailure && n.End == follow.Open { // an error that ends the wait is returned
		f.Log.Warn("poll failed", f.job(), zap.Int("polls", f.State.Polls), zap.Error(n.Failure))
	}
	for _, warning := range n.Warnings {
		f.Log.Warn(warning, f.job())
	}
}

func (f *Follower) logRefusal(err error) {
	f.Log.Warn("not polled", f.job(), zap.Error(err))
}

func (f *Follower) logTransition(t status.Transition) {
	entry := f.Log.Check(zap.InfoLevel, "transition")
	if entry == nil {
		return
	}
	defer f.took("the logger", time.Now())
	fields := []zap.Field{
		f.job(), zap.String("sub_job", wire.OneLine(t.SubJob)), zap.String("job_type", wire.OneLine(t.Job.Type)),
		zap.String("from", wire.OneLine(t.From)), zap.String("to", wire.OneLine(t.To)),
	}
	if t.To == status.Failed {
		fields = append(fields, zap.String("error_code", wire.OneLine(t.Job.ErrorCode)), zap.String("fail_reason", wire.OneLine(t.Job.FailReason)))
	}
	if !t.To.Known() { // which may be an end
		for _, said := range []struct{ key, text string }{
			{"error_code", t.Job.ErrorCode}, {"fail_reason", t.Job.FailReason}, {"end_time", string(t.Job.EndTime)},
		} {
			if said.text != "" {
				fields = append(fields, zap.String(said.key, wire.OneLine(said.text)))
			}
		}
	}
	entry.Write(fields...)
}

// LogEnd logs how the wait ended.
func (f *Follower) LogEnd(e *End) {
	if entry := f.Log.Check(zap.InfoLevel, "wait ended"); entry != nil {
		entry.Write(f.job(), zap.Stringer("outcome", e.How), zap.String("status", wire.OneLine(f.State.Job.Status)),
			zap.Int("polls", f.State.Polls), zap.Duration("elapsed", e.At.Sub(f.State.Started)))
	}
}

// logClock logs, once for a Waiter, that this machine's clock is off by about as much as a
// signature is good for, or more.
func (f *Follower) logClock(served, now time.Time) {
	ahead := now.Sub(served)
	if served.IsZero() || ahead.Abs() <= 14*time.Minute {
		return
	}
	f.clock.Do(func() {
		f.Log.Warn(wire.ClockHint(ahead)+"; until then access keys sign with the service's time", f.job(), zap.Duration("ahead", ahead.Round(time.Second)))
	})
}

func (f *Follower) job() zap.Field { return zap.String("job_id", f.State.Job.ID) }
