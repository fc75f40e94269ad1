package bench

import (
	"context"
	"math/rand/v2"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// ours waits with this library.
func ours(opts ...waiter.Option) waitFunc {
	return func(ctx context.Context, poll func() status.Job) error {
		w, err := waiter.New(poller.Func(func(context.Context, string) (poller.Reply, error) { return poller.Reply{Job: poll()}, nil }), opts...)
		if err != nil {
			return err
		}
		_, err = w.Wait(ctx, "1")
		return err
	}
}

// draws returns a source of random numbers, the same in every run.
func draws(distribution, stream int) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(distribution), uint64(stream)))
}
