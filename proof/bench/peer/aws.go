package peer

import (
	"context"
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/aws/aws-sdk-go-v2/service/signer/types"

	"github.com/sfsturbo/waiter/status"
)

// Every generated waiter is the same loop, with delays from the service's model. The longest delay
// is 120 s in both.
const (
	signerMinDelay = 20 * time.Second // the default of service/signer
	ecrMinDelay    = 5 * time.Second  // the default of service/ecr's ImageScanCompleteWaiter
)

func aws(minDelay time.Duration) func(context.Context, func() status.Job) error {
	return func(ctx context.Context, poll func() status.Job) error {
		w := signer.NewSuccessfulSigningJobWaiter(describe(poll), func(o *signer.SuccessfulSigningJobWaiterOptions) {
			o.MinDelay = minDelay
		})
		return w.Wait(ctx, &signer.DescribeSigningJobInput{}, math.MaxInt64)
	}
}

// describe is the client that the waiter calls.
type describe func() status.Job

func (poll describe) DescribeSigningJob(context.Context, *signer.DescribeSigningJobInput, ...func(*signer.Options)) (*signer.DescribeSigningJobOutput, error) {
	return &signer.DescribeSigningJobOutput{Status: map[status.Status]types.SigningStatus{
		status.Running: types.SigningStatusInProgress,
		status.Success: types.SigningStatusSucceeded,
		status.Failed:  types.SigningStatusFailed,
	}[poll().Status]}, nil
}
