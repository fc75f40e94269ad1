package pace_test

import (
	"fmt"
	"time"

	"github.com/sfsturbo/waiter/poller/pace"
)

// Each interval is a quarter longer than the one before, +-20 %.
func ExampleExponential() {
	schedule := pace.Exponential()
	for _, ms := range []int{1000, 1250, 1560, 1950, 2440} {
		about := time.Duration(ms) * time.Millisecond
		delay := schedule.NextBackOff()
		fmt.Println(about, (delay-about).Abs() < about/4)
	}
	// Output:
	// 1s true
	// 1.25s true
	// 1.56s true
	// 1.95s true
	// 2.44s true
}
