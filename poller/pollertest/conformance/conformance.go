// Package conformance tests what every [poller.Poller] must do, against the service of
// package pollertest. It imports testing, so use it in tests only.
package conformance

import (
	"net/http"
	"testing"
	"time"

	"github.com/sfsturbo/waiter/poller"
)

// New makes the Poller that is tested: for the jobs of one project, at an endpoint on
// this machine's loopback that hc reaches. It may use another HTTP client. The service
// accepts any token and any well-formed signature. Use a new credential each time: one
// service rejects it.
type New func(t *testing.T, endpoint, projectID string, hc *http.Client) poller.Poller

// Test runs a subtest for each thing that every Poller must do:
//
//   - It returns the job as the service sent it, in each status, with its sub-jobs.
//     Request id, server time and Retry-After are right or zero.
//   - It asks once. After a 401 it may ask once more.
//   - Its errors have the verdict, by [poller.Classify], that the service's error pages
//     give. A response that is not the job is an error that passes.
//   - It returns soon after its context has ended.
//   - It is safe for concurrent use. Run the test with -race too.
//   - It does not follow redirects, and no error holds what proved the caller's identity.
//
// New is called once for each subtest, with a service of its own.
func Test(t *testing.T, newPoller New) {
	t.Helper()
	for _, r := range requirements {
		t.Run(r.name, func(t *testing.T) {
			if err := r.check(start(t, newPoller, 5*time.Second)); err != nil {
				t.Error(err)
			}
		})
	}
}
