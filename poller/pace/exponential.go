// Package pace decides when a job is polled next.
//
// [Exponential] depends only on how often it was asked. A [History] learns how long the jobs of
// each type take, and plans the polls accordingly.
package pace

import (
	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter/internal/survival"
)

// prior is the default schedule, in seconds.
var prior = survival.Prior{Initial: 1, Multiplier: 1.25, Cap: 15}

// Exponential returns the default schedule for a job that is running: 1 s, then 1.25 times longer
// each time, at most 15 s, each +-20 %, without end.
//
//	0s 1s 2.3s 3.8s 5.8s 8.2s 11s 15s 20s 26s 33s 43s 54s 1m9s 1m24s ...
//
// A job's end is therefore seen at most 18 s late. The BackOff is for one wait and is not safe for
// concurrent use.
func Exponential() backoff.BackOff { return exponential() }

func exponential() *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(duration(prior.Initial)),
		backoff.WithMultiplier(prior.Multiplier),
		backoff.WithMaxInterval(duration(prior.Cap)),
		backoff.WithRandomizationFactor(0.2),
		backoff.WithMaxElapsedTime(0), // the default ends a wait after 15 minutes, silently
	)
}
