package poller_test

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
)

// peak returns how much more memory is alive while do runs than before: what is left
// of the heap after a collection, and the stacks.
func peak(do func()) (bytes int) {
	alive := func() int {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc + m.StackInuse)
	}
	before := alive()
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	for {
		bytes = max(bytes, alive()-before)
		select {
		case <-done:
			return bytes
		default:
		}
	}
}

// There are eight polls of each response at a time.
func TestHostileResponsesKeepLittleMemoryAlive(t *testing.T) {
	const mib = 1 << 20
	job := `{"status":"running","sub_jobs":[` + strings.Repeat(`{"job_id":"`+strings.Repeat("x", 480)+`","status":"running"},`, 1_999) + `{}]}`
	serve := map[string]func(net.Conn){
		"a body that stops at its longest": stream{begin: ok200 + "\r\n" + strings.Repeat(" ", mib-1)}.serve,
		"a job of 1 MiB":                   stream{begin: withLength(job)}.serve,
		"a refusal of lists":               stream{begin: strings.Replace(withLength(hostileBodies()["an error of lists"]), "200 OK", "500 No", 1)}.serve,
		"10,000 headers":                   stream{begin: ok200 + manyHeaders(10_000) + "\r\n", part: " "}.serve,
		"HTTP/2":                           frames{begin: frame(frameHeaders, endHeaders, 1, status200), part: frame(frameData, 0, 1, strings.Repeat(" ", 16<<10))}.serve,
	}
	for _, name := range []string{
		"a body without end", "chunks of one byte without end", "headers without end", "a header line without end",
		"hints without end", "trailers without end", "a gzip bomb", "JSON of 100,000 levels",
	} {
		serve[name] = hostileResponses()[name].serve
	}
	for _, name := range []string{"sub-jobs", "a long error", "an echoed token", "an error of lists"} {
		serve[name] = stream{begin: withLength(hostileBodies()[name])}.serve
	}
	for name, serve := range serve {
		t.Run(name, func(t *testing.T) {
			clients := make([]*poller.Client, 8)
			for i := range clients {
				if clients[i] = overPipes(t, serve); name == "HTTP/2" {
					clients[i] = overHTTP2(t, serve)
				}
			}
			measure := func() int {
				return peak(func() {
					ctx, cancel := context.WithTimeout(t.Context(), 25*time.Millisecond)
					defer cancel()
					var pollers sync.WaitGroup
					for _, c := range clients {
						pollers.Go(func() {
							for ctx.Err() == nil {
								c.Poll(ctx, jobID)
							}
						})
					}
					pollers.Wait()
				}) / len(clients)
			}
			each := measure()
			t.Log(each>>10, "KiB")
			require.Less(t, each, 10*mib)
			if name == "a body that stops at its longest" { // the measurement itself; a busy machine may miss it
				require.Eventually(t, func() bool { return measure() > mib/2 }, 20*time.Second, time.Millisecond)
			}
		})
	}
}

func manyHeaders(n int) string {
	var headers strings.Builder
	for i := range n {
		fmt.Fprintf(&headers, "X-%d: y\r\n", i)
	}
	return headers.String()
}
