package status_test

import (
	"encoding/json"
	"fmt"

	"github.com/sfsturbo/waiter/status"
)

// A sub-job that a response leaves out is kept as it was last seen.
func ExampleMerge() {
	before := status.Job{ID: "26f6b565", Status: status.Running, SubJobs: []status.Job{
		{Type: "check_ldap", Status: status.Success},
	}}
	response := status.Job{ID: "26f6b565", Status: status.Running, SubJobs: []status.Job{
		{Type: "mount_ldap", Status: status.Running},
	}}
	for _, sub := range status.Merge(before, response).SubJobs {
		fmt.Println(sub.Type, sub.Status)
	}
	// Output:
	// mount_ldap running
	// check_ldap success
}

func ExampleStatus() {
	for _, s := range []status.Status{status.Waiting, status.Success, status.Failed, "suspended"} {
		fmt.Printf("%s: terminal %t, known %t\n", s, s.Terminal(), s.Known())
	}
	// Output:
	// waiting: terminal false, known true
	// success: terminal true, known true
	// failed: terminal true, known true
	// suspended: terminal false, known false
}

func ExampleSameID() {
	const id = "26f6b565-1111-2222-3333-03f0bd975433"
	fmt.Println(status.SameID(id, "26F6B56511112222333303F0BD975433"))
	fmt.Println(status.SameID(id, "26f6b565"))
	// Output:
	// true
	// false
}

func ExampleTransition_IsSubJob() {
	for _, t := range []status.Transition{
		{JobID: "26f6b565", From: status.Waiting, To: status.Running},
		{JobID: "26f6b565", SubJob: "5a1c", Job: status.Job{ID: "5a1c", Type: "check_ldap"}, To: status.Running},
		{JobID: "26f6b565", SubJob: "5a1d", Job: status.Job{ID: "5a1d"}, From: status.Running, To: status.Failed},
	} {
		fmt.Println(t.IsSubJob(), t)
	}
	// Output:
	// false job: waiting -> running
	// true check_ldap: running
	// true 5a1d: running -> failed
}

// A response is decoded leniently: absent, null and "" are the same.
func ExampleJob() {
	var job status.Job
	response := `{"job_id":"26f6b565","status":"failed","error_code":null,"fail_reason":"no route to host","sub_jobs":null}`
	if err := json.Unmarshal([]byte(response), &job); err != nil {
		fmt.Println(err)
		return
	}
	checkpoint, err := json.Marshal(job)
	fmt.Println(string(checkpoint), err)
	// Output: {"job_id":"26f6b565","status":"failed","fail_reason":"no route to host"} <nil>
}
