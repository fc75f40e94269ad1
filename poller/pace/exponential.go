// Package pace says when a job is read next.
//
// [Exponential] goes by no more than how often it was asked. A [History] learns how
// long the jobs of each type take, and plans by that.
package pace

import (
	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter/internal/law"
)

// cold is the default schedule, in seconds.
var cold = law.Cold{Initial: 1, Multiplier: 1.25, Cap: 15}

// Exponential returns the default schedule while a job goes on: 1 s, then 1.25
// times longer each time, at most 15 s, each +-20 %, without end.
//
//	0s 1s 2.3s 3.8s 5.8s 8.2s 11s 15s 20s 26s 33s 43s 54s 1m9s 1m24s ...
//
// So a job's end is seen at most 18 s late. The BackOff is for one wait, and not safe
// for concurrent use.
func Exponential() backoff.BackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(duration(cold.Initial)),
		backoff.WithMultiplier(cold.Multiplier),
		backoff.WithMaxInterval(duration(cold.Cap)),
		backoff.WithRandomizationFactor(0.2),
		backoff.WithMaxElapsedTime(0), // its default ends a wait after 15 minutes, silently
	)
}
