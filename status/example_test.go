package status_test

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sfsturbo/waiter/status"
)

func ExampleDiff() {
	before := status.Job{ID: "26f6b565", Status: status.Running, SubJobs: []status.Job{
		{Type: "check_ldap", Status: status.Running},
	}}
	now := status.Job{ID: "26f6b565", Status: status.Success, SubJobs: []status.Job{
		{Type: "check_ldap", Status: status.Success},
		{Type: "attach", Status: status.Success},
	}}
	for _, t := range status.Diff(before, now, time.Now()) {
		fmt.Printf("%s %s: %q to %q\n", t.JobID, t.SubJob, t.From, t.To)
	}
	fmt.Println("then:", len(status.Diff(now, now, time.Now())), "changes")
	// Output:
	// 26f6b565 check_ldap: "running" to "success"
	// 26f6b565 attach: "" to "success"
	// 26f6b565 : "running" to "success"
	// then: 0 changes
}

// A program that dies between two transitions goes on with the ones that it had
// not delivered yet.
func ExampleApply() {
	response := status.Job{ID: "26f6b565", Status: status.Running, SubJobs: []status.Job{
		{ID: "a", Status: status.Success},
		{ID: "b", Status: status.Running},
	}}

	var checkpoint status.Job
	for _, t := range status.Diff(checkpoint, response, time.Now())[:2] {
		checkpoint = status.Apply(checkpoint, t)
	}
	stored, _ := json.Marshal(checkpoint)
	fmt.Println(string(stored))

	for _, t := range status.Diff(checkpoint, response, time.Now()) {
		fmt.Println("still to deliver:", t.SubJob, t.To)
	}
	// Output:
	// {"job_id":"26f6b565","status":"running","sub_jobs":[{"job_id":"a","status":"success"}]}
	// still to deliver: b running
}

func ExampleTimestamp_Time() {
	for _, wire := range []status.Timestamp{"2023-07-26 09:33:58", "2023-07-26T17:33:58.5+08:00", "1690364038000", "soon"} {
		at, ok := wire.Time()
		fmt.Println(at.Format(time.RFC3339Nano), ok)
	}
	// Output:
	// 2023-07-26T09:33:58Z true
	// 2023-07-26T09:33:58.5Z true
	// 2023-07-26T09:33:58Z true
	// 0001-01-01T00:00:00Z false
}
