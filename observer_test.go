package waiter_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pace"
)

type ear struct {
	backoff.ConstantBackOff
	heard *[]pace.Observation
}

func (e *ear) Observe(o pace.Observation) { *e.heard = append(*e.heard, o) }

func TestAnObserverIsToldOfEachGoodPollAndOfTheEnd(t *testing.T) {
	listen := func(heard *[]pace.Observation) func() backoff.BackOff {
		return func() backoff.BackOff {
			return &ear{backoff.ConstantBackOff{Interval: time.Second}, heard}
		}
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	list := []any{
		job("running"), httpError(503), job(""), job("running"),
		poller.Reply{Job: job("running", sub("a", "running")), ServerTime: at}, job("success"),
	}
	failing := waiter.WithFailureBackOff(constant(time.Second))
	for name, v := range map[string]verb{"Wait": wait, "Watch": watch} {
		synctest.Test(t, func(t *testing.T) {
			var heard []pace.Observation
			require.NoError(t, v(t.Context(), t, newWaiter(t, answers(list...), waiter.WithBackOff(listen(&heard)), failing)).err)
			running := job("running", sub("a", "running"))
			ended := job("success", sub("a", "running"))
			require.Equal(t, []pace.Observation{
				{Job: job("running"), Changed: true},
				{Job: job("running"), Age: 3 * time.Second},
				{Job: running, Age: 4 * time.Second, ServerTime: at, Changed: true},
				{Job: ended, Age: 5 * time.Second, Changed: true},
			}, heard, name)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		var heard []pace.Observation
		require.NoError(t, step(t.Context(), t, newWaiter(t, answers(job("running"), job("success")), waiter.WithBackOff(listen(&heard)))).err)
		require.Equal(t, []pace.Observation{
			{Job: job("running"), Changed: true},
			{Job: job("running"), Abandoned: true}, // the Step's BackOff hears no more
			{Job: job("success"), Age: time.Second, Changed: true},
		}, heard)
	})
	abandoned := map[string]struct {
		list []any
		want error
	}{
		"the deadline":  {[]any{job("running")}, context.DeadlineExceeded},
		"permanent":     {[]any{job("running"), httpError(403)}, waiter.ErrUnfinished},
		"a panic":       {[]any{job("running"), nil}, nil},
		"nothing is up": {[]any{httpError(503)}, context.DeadlineExceeded},
	}
	for name, test := range abandoned {
		synctest.Test(t, func(t *testing.T) {
			var heard []pace.Observation
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			func() {
				defer func() { require.Equal(t, test.want == nil, recover() != nil) }()
				err := wait(ctx, t, newWaiter(t, answers(test.list...), waiter.WithBackOff(listen(&heard)), failing)).err
				require.ErrorIs(t, err, test.want, name)
			}()
			require.NotEmpty(t, heard, name)
			for i, o := range heard {
				require.Equal(t, i == len(heard)-1, o.Abandoned, name)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		var heard []pace.Observation
		require.NoError(t, wait(t.Context(), t, newWaiter(t, answers(), waiter.WithBackOff(listen(&heard))), waiter.From(job("success"))).err)
		require.Empty(t, heard, "nothing was polled")
	})
}
