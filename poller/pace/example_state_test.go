package pace_test

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/status"
)

// What was learned goes into a file of your own, and from there into the next run.
// A file that is no good is refused, and what was known stays.
func ExampleHistory_MarshalJSON() {
	var history pace.History
	history.BackOff().(pace.Observer).Observe(pace.Observation{Job: status.Job{
		Type: "create_share", Status: status.Success,
		BeginTime: "2023-07-26 09:30:00", EndTime: "2023-07-26 09:40:00",
	}})
	file, err := json.Marshal(&history)
	if err != nil {
		fmt.Println(err)
		return
	}

	var next pace.History
	fmt.Println(json.Unmarshal(file, &next))
	fmt.Println(json.Unmarshal([]byte(`{"version":2}`), &next))
	median, _, jobs := next.Typical("create_share")
	fmt.Println(jobs, "job:", median.Round(time.Minute))
	// Output:
	// <nil>
	// pace: this is no usable history, and what was known before stays: its version is 2, and this program knows 1; remove it to learn anew
	// 1 job: 10m0s
}
