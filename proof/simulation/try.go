package simulation

import (
	"fmt"
	"runtime/debug"
	"strings"
	"time"
)

// patience is how long a case may take. It takes milliseconds if all is well.
var patience = time.Minute

// Try runs a case and returns what is wrong with it, including a panic. A case that hangs cannot be
// left behind: Try ends the process, with a message that tells how to replay it.
func Try(c *Case, tier string, run Tier) (t *Trace, found []Violation) {
	watch := time.AfterFunc(patience, func() {
		debug.SetTraceback("all")
		panic(fmt.Sprintf("seed %d of the %s tier did not end within %v; replay it with: %s", c.Seed, tier, patience, c.Replay(tier)))
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
		first, _, _ := strings.Cut(what, "\n") // the goroutines of a deadlock follow
		t, found = p.trace, []Violation{{"panic", 0, fmt.Sprintf("%s\n%s", what, p.stack), first}}
	}()
	t = run(c)
	return t, Check(c, t)
}
