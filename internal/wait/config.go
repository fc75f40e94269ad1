// Package wait is the shell around package follow: it polls, delivers transitions, asks the
// schedules, sleeps and logs, on the goroutine that calls it. What any of it means, follow
// decides. Everything that follows a job drives this package, and turns its [End] into an error
// of its own.
package wait

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/status"
)

// Config is how jobs are followed. Followers share it: nothing in it changes.
type Config struct {
	Poller      poller.Poller
	Callbacks   []func(status.Transition)
	Save        func(ctx context.Context, checkpoint status.Job, t status.Transition) error // nil: no checkpoints
	Hooks       []Hooks
	Schedules   [2]func() backoff.BackOff // by follow.Schedule
	Log         *zap.Logger
	Limiter     Limiter // nil: none
	PollTimeout time.Duration
	JobType     string
	Error       func(*End) error // the public error of an end; nil for success
	follow.Rules

	clock *sync.Once // of logClock
}

// Of returns the Config of a *waiter.Waiter, for package tracker. The root package sets it, so that
// this type stays out of the public API.
var Of func(waiter any) *Config

// Limiter lets polls through, one for each call of Wait that returns nil.
type Limiter interface {
	Wait(ctx context.Context) error
}

// Defaults returns the Config of a wait by p without any option.
func Defaults(p poller.Poller) Config {
	return Config{
		Poller:      p,
		Schedules:   [2]func() backoff.BackOff{follow.Progress: pace.Exponential, follow.Failure: failureBackOff},
		Log:         zap.NewNop(),
		PollTimeout: 15 * time.Second,
		Rules:       follow.Rules{NotFoundGrace: 10 * time.Second},
		clock:       new(sync.Once),
	}
}

func failureBackOff() backoff.BackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(time.Second),
		backoff.WithMultiplier(2),
		backoff.WithMaxInterval(30*time.Second),
		backoff.WithRandomizationFactor(0.5),
		backoff.WithMaxElapsedTime(0), // only the context ends a wait
	)
}

// schedule returns the schedule, which is made when it is first needed.
func (f *Follower) schedule(which follow.Schedule) (backoff.BackOff, error) {
	if f.schedules[which] != nil {
		return f.schedules[which], nil
	}
	b := f.Schedules[which]()
	if wrong := unusable(b); wrong != "" {
		return nil, fmt.Errorf("%s: %s", [...]string{follow.Progress: "WithBackOff", follow.Failure: "WithFailureBackOff"}[which], wrong)
	}
	b.Reset()
	f.schedules[which] = b
	f.replay(which)
	return b, nil
}

// unusable says what is wrong with b, "" if nothing is. An ExponentialBackOff that is not made by
// its constructor panics, polls without a pause, or stops at random.
func unusable(b backoff.BackOff) string {
	if IsNil(b) {
		return "the function returned no BackOff"
	}
	e, ok := b.(*backoff.ExponentialBackOff)
	if !ok {
		return ""
	}
	var field string
	switch {
	case e.Clock == nil:
		field = "Clock is nil"
	case e.InitialInterval <= 0:
		field = fmt.Sprint("InitialInterval is ", e.InitialInterval)
	case e.MaxInterval <= 0:
		field = fmt.Sprint("MaxInterval is ", e.MaxInterval)
	case e.Multiplier < 1:
		field = fmt.Sprint("Multiplier is ", e.Multiplier, ", which is less than 1")
	case e.RandomizationFactor < 0 || e.RandomizationFactor > 1:
		field = fmt.Sprint("RandomizationFactor is ", e.RandomizationFactor, ", which is not from 0 to 1")
	case e.MaxElapsedTime != 0 && e.Stop >= 0:
		field = fmt.Sprint("Stop is ", e.Stop, ", not backoff.Stop")
	default:
		return ""
	}
	return "backoff.ExponentialBackOff: its " + field + ": use backoff.NewExponentialBackOff"
}

// replay advances the schedule of a wait that was stored to where it was.
func (f *Follower) replay(which follow.Schedule) {
	for range min(f.State.Asked(which), maxReplayed) {
		f.schedules[which].NextBackOff()
	}
}

// maxReplayed bounds what a stored wait can cost: a schedule of 15 s gets there in 17 days.
const maxReplayed = 100_000

// IsNil also sees a nil pointer or func inside an interface, which is what remains of a
// constructor whose error was ignored.
func IsNil(v any) bool {
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Chan:
		return r.IsNil()
	default:
		return false
	}
}
