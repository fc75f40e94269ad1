package pace_test

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/status"
)

// Save what was learned in a file, and read it in the next run of the program. An invalid file is
// refused, and changes nothing.
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
	// pace: saved history ignored: version 2, this program reads version 1; delete it to start again
	// 1 job: 10m0s
}
