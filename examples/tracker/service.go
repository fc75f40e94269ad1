package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// submit starts jobs of two types, and returns when each ends. One in a hundred fails.
func submit(server *pollertest.Server, jobs int) (ended map[string]time.Time) {
	r := rand.New(rand.NewPCG(1, 2))
	ended = make(map[string]time.Time, jobs)
	for i := range jobs {
		kind, median := "bind_ldap", 10.
		if i%4 == 0 {
			kind, median = "create_dir", 25.
		}
		takes := time.Duration(median * math.Exp(r.NormFloat64()*0.25) * float64(time.Second))
		end := status.Job{Status: status.Success}
		if i%100 == 0 {
			end = status.Job{Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "the LDAP server does not respond"}
		}
		id := server.Add(pollertest.Script{
			ID: fmt.Sprintf("job-%d", i+1), Type: kind,
			Steps: []pollertest.Step{{Job: status.Job{Status: status.Running}}, {After: takes, Job: end}},
		})
		ended[id] = time.Now().Add(takes)
	}
	return ended
}
