// Package pace says when a job is read next.
package pace

import (
	"time"

	"github.com/cenkalti/backoff/v4"
)

// Exponential returns the default schedule while a job goes on: 1 s, then 1.25
// times longer each time, at most 15 s, each +-20 %, without end.
//
//	0s 1s 2.3s 3.8s 5.8s 8.2s 11s 15s 20s 26s 33s 43s 54s 1m9s 1m24s ...
//
// So a job's end is seen at most 18 s late. The BackOff is for one wait, and not safe
// for concurrent use.
func Exponential() backoff.BackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(time.Second),
		backoff.WithMultiplier(1.25),
		backoff.WithMaxInterval(15*time.Second),
		backoff.WithRandomizationFactor(0.2),
		backoff.WithMaxElapsedTime(0), // its default ends a wait after 15 minutes, silently
	)
}
