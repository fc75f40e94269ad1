package simulation

import (
	"fmt"
	"runtime/debug"
	"strings"
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
		r := recover()
		if r == nil {
			return
		}
		p, inBubble := r.(panicked)
		if !inBubble {
			p = panicked{&Trace{Requests: -1}, r, debug.Stack()}
		}
		what := fmt.Sprint(p.value)
		first, _, _ := strings.Cut(what, "\n") // of a deadlock its goroutines follow
		t, found = p.trace, []Violation{{"panic", 0, fmt.Sprintf("%s\n%s", what, p.stack), first}}
	}()
	t = run(c)
	return t, Check(c, t)
}
