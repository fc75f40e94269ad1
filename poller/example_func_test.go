package poller_test

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// Any client's call is a Poller. Return errors that Classify knows: it takes an error that
// it does not know for passing.
func ExampleFunc() {
	showJob := func(context.Context, string) (state string, httpStatus int) { // another client's
		return "running", 200
	}
	var p poller.Poller = poller.Func(func(ctx context.Context, jobID string) (poller.Reply, error) {
		state, code := showJob(ctx, jobID)
		if code != 200 {
			return poller.Reply{}, &poller.Error{StatusCode: code}
		}
		return poller.Reply{Job: status.Job{ID: jobID, Status: status.Status(state)}}, nil
	})
	reply, err := p.Poll(context.Background(), "26f6b565")
	fmt.Println(reply.Job.ID, reply.Job.Status, err)
	// Output: 26f6b565 running <nil>
}

// There are few kinds, so failures can be counted by kind.
func ExampleKind() {
	for _, err := range []error{
		&poller.Error{StatusCode: 503, Code: "APIGW.0201"},
		&poller.Error{StatusCode: 200, Err: errors.New("the response has no status")},
		fmt.Errorf("poll: %w", context.DeadlineExceeded),
		io.ErrUnexpectedEOF,
	} {
		fmt.Println(poller.Kind(err))
	}
	// Output:
	// 503
	// bad answer
	// timeout
	// network
}

// Not every string can be a job id.
func ExampleCheckID() {
	for _, id := range []string{"26f6b565-1111-2222-3333-03f0bd975433", "", ".."} {
		fmt.Printf("%q %t\n", id, poller.CheckID(id) == nil)
	}
	// Output:
	// "26f6b565-1111-2222-3333-03f0bd975433" true
	// "" false
	// ".." false
}
