package bench

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/sfsturbo/waiter/proof/bench/jobs"
	"github.com/sfsturbo/waiter/status"
)

// A waitFunc waits for one job by its library's loop, and returns once poll has shown that the job
// has ended.
type waitFunc func(ctx context.Context, poll func() status.Job) error

// A cost is what one wait took.
type cost struct {
	calls int           // after age 0
	delay time.Duration // from the job's end to the call that saw it
}

// waitFor waits for a job that is submitted now. It takes no time in a synctest bubble.
func waitFor(ctx context.Context, job jobs.Job, wait waitFunc) (cost, error) {
	var c cost
	submitted, seen := time.Now(), false
	current := status.Job{ID: "1", Type: "bind_ldap", Status: status.Running, BeginTime: stamp(submitted)}
	err := wait(ctx, func() status.Job {
		age := time.Since(submitted)
		if age > 0 {
			c.calls++
		}
		if age >= job.Length {
			c.delay, seen = age-job.Length, true
			current.Status, current.EndTime = job.End, stamp(submitted.Add(job.Length))
		}
		return current
	})
	switch {
	case !seen:
		return c, fmt.Errorf("gave up on a job of %v: %w", job.Length, err)
	case (err != nil) != (job.End == status.Failed):
		return c, fmt.Errorf("a job that ended as %s: error %w", job.End, err)
	}
	return c, nil
}

// stamp returns t with the resolution of the service, one second.
func stamp(t time.Time) status.Timestamp {
	return status.Timestamp(t.UTC().Format(time.DateTime))
}

// A result is the mean cost of a schedule.
type result struct {
	calls     float64 // for each job, including one at age 0 for every schedule
	mean, p95 float64 // delay in seconds
}

func summarize(costs []cost) result {
	var r result
	delays := make([]float64, len(costs))
	for i, c := range costs {
		delays[i] = c.delay.Seconds()
		r.calls += 1 + float64(c.calls)
		r.mean += delays[i]
	}
	n := float64(len(costs))
	slices.Sort(delays)
	return result{r.calls / n, r.mean / n, delays[int(math.Ceil(0.95*n))-1]}
}
