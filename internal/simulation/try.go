package simulation

import (
	"fmt"
	"runtime/debug"
	"time"
)

// patience is how long a case may take, which takes milliseconds if all is well.
var patience = time.Minute

// Try runs a case and says what is wrong with what became of it: also that it
// panicked. One that hangs can't be left behind: it ends the process, with a word of
// how to replay it.
func Try(c *Case, tier string, run Tier) (t *Trace, found []Violation) {
	watch := time.AfterFunc(patience, func() {
		debug.SetTraceback("all")
		panic(fmt.Sprintf("seed %d of the %s tier has not come to its end within %v; replay it with: %s", c.Seed, tier, patience, c.Replay(tier)))
	})
	defer watch.Stop()
	defer func() {
		switch r := recover().(type) {
		case nil:
		case panicked: // in a bubble
			t, found = r.trace, []Violation{{"panic", 0, fmt.Sprintf("%v\n%s", r.value, r.stack), fmt.Sprint(r.value)}}
		default:
			t, found = &Trace{Requests: -1}, []Violation{{"panic", 0, fmt.Sprintf("%v\n%s", r, debug.Stack()), ""}}
		}
	}()
	t = run(c)
	return t, Check(c, t)
}
