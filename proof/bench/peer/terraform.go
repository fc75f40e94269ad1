package peer

import (
	"context"
	"math"
	"time"

	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/retry"

	"github.com/sfsturbo/waiter/status"
)

// terraform is the loop of a provider that sets neither Delay nor intervals.
func terraform(ctx context.Context, poll func() status.Job) error {
	return stateChange(ctx, retry.StateChangeConf{}, poll)
}

// vendor is the loop of the vendor's provider for a job of SFS Turbo.
func vendor(ctx context.Context, poll func() status.Job) error {
	return stateChange(ctx, retry.StateChangeConf{Delay: 10 * time.Second, PollInterval: 10 * time.Second}, poll)
}

func stateChange(ctx context.Context, c retry.StateChangeConf, poll func() status.Job) error {
	c.Pending, c.Target = []string{string(status.Running)}, []string{string(status.Success)}
	c.Timeout = math.MaxInt64
	c.Refresh = func() (any, string, error) {
		job := poll()
		return job, string(job.Status), nil
	}
	_, err := c.WaitForStateContext(ctx)
	return err
}
