package waiter_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/status"
)

// Step is one poll. Its Progress is plain JSON: here it is stored after each, as a
// reconciler would.
func ExampleWaiter_Step() {
	w, err := waiter.New(scripted(bindLDAP...), quick)
	if err != nil {
		fmt.Println(err)
		return
	}
	stored := []byte(`{"job_id":"26f6b565"}`)
	for {
		var p waiter.Progress
		if err := json.Unmarshal(stored, &p); err != nil {
			fmt.Println(err)
			return
		}
		p, err = w.Step(context.Background(), p)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("poll %d: %s, %d transitions\n", p.Polls, p.Job.Status, len(p.Transitions))
		if p.Done {
			break
		}
		if stored, err = json.Marshal(p); err != nil {
			fmt.Println(err)
			return
		}
		time.Sleep(p.Next) // a reconciler returns it instead
	}
	// Output:
	// poll 1: waiting, 1 transitions
	// poll 2: running, 2 transitions
	// poll 3: success, 2 transitions
}

// A program that was restarted goes on from what it had told before; see
// status.Apply for how to keep that.
func ExampleFrom() {
	w, err := waiter.New(scripted(bindLDAP[1:]...), quick, waiter.OnTransition(func(t status.Transition) {
		fmt.Printf("%q %q -> %q\n", t.SubJob, t.From, t.To)
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	var checkpoint status.Job
	stored := `{"job_id":"26f6b565","status":"running"}` // told before, and kept in a file
	if err := json.Unmarshal([]byte(stored), &checkpoint); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := w.Wait(context.Background(), checkpoint.ID, waiter.From(checkpoint)); err != nil {
		fmt.Println(err)
	}
	// Output:
	// "check_ldap" "" -> "running"
	// "check_ldap" "running" -> "success"
	// "" "running" -> "success"
}

// What is terminal already needs no request.
func ExampleFrom_ended() {
	w, err := waiter.New(scripted(status.Job{}))
	if err != nil {
		fmt.Println(err)
		return
	}
	done := status.Job{ID: "26f6b565", Type: "bind_ldap", Status: status.Success}
	job, err := w.Wait(context.Background(), done.ID, waiter.From(done))
	fmt.Println(job.Status, err)
	// Output: success <nil>
}
