package pace_test

import (
	"context"
	"fmt"
	"time"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/status"
)

// All waits that share a History learn from each other.
func ExampleHistory() {
	history, err := pace.NewHistory()
	if err != nil {
		fmt.Println(err)
		return
	}
	service := poller.Func(func(context.Context, string) (poller.Reply, error) {
		return poller.Reply{Job: status.Job{
			Type: "bind_ldap", Status: status.Success,
			BeginTime: "2023-07-26 09:33:58", EndTime: "2023-07-26 09:34:03",
		}}, nil
	})
	w, err := waiter.New(service, waiter.WithBackOff(history.BackOff))
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 50 {
		if _, err := w.Wait(context.Background(), "26f6b565"); err != nil {
			fmt.Println(err)
			return
		}
	}
	median, p90, jobs := history.Typical("bind_ldap")
	fmt.Println(jobs, "jobs:", median.Round(time.Second), p90.Round(time.Second))

	// How long a wait with WithJobType("bind_ldap") sleeps before its first poll.
	first := history.BackOff().(pace.Starter).Start(status.Job{Type: "bind_ldap"}, 0)
	fmt.Println("the first poll is just after that:", first > 5*time.Second && first < 6500*time.Millisecond)
	// Output:
	// 50 jobs: 5s 5s
	// the first poll is just after that: true
}
