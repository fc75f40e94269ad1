package bench

import (
	"context"
	"math/rand/v2"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// ours waits by this library.
func ours(opts ...waiter.Option) waitFunc {
	return func(ctx context.Context, look func() status.Job) error {
		w, err := waiter.New(poller.Func(func(context.Context, string) (status.Job, error) { return look(), nil }), opts...)
		if err != nil {
			return err
		}
		_, err = w.Wait(ctx, "1")
		return err
	}
}

// draws is a source of random numbers, the same ones in every run.
func draws(law, stream int) *rand.Rand { return rand.New(rand.NewPCG(uint64(law), uint64(stream))) }
