package peer

import (
	"context"
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/aws/aws-sdk-go-v2/service/signer/types"

	"github.com/sfsturbo/waiter/status"
)

// Every generated waiter is the same loop, with delays from the service's model.
const (
	signerMinDelay = 20 * time.Second // this one's own
	ecrMinDelay    = 5 * time.Second  // ImageScanCompleteWaiter's of service/ecr; the greatest delay is 120 s in both
)

func aws(minDelay time.Duration) func(context.Context, func() status.Job) error {
	return func(ctx context.Context, look func() status.Job) error {
		w := signer.NewSuccessfulSigningJobWaiter(describe(look), func(o *signer.SuccessfulSigningJobWaiterOptions) {
			o.MinDelay = minDelay
		})
		return w.Wait(ctx, &signer.DescribeSigningJobInput{}, math.MaxInt64)
	}
}

// describe is the call that the waiter makes.
type describe func() status.Job

func (look describe) DescribeSigningJob(context.Context, *signer.DescribeSigningJobInput, ...func(*signer.Options)) (*signer.DescribeSigningJobOutput, error) {
	return &signer.DescribeSigningJobOutput{Status: map[status.Status]types.SigningStatus{
		status.Running: types.SigningStatusInProgress,
		status.Success: types.SigningStatusSucceeded,
		status.Failed:  types.SigningStatusFailed,
	}[look().Status]}, nil
}
