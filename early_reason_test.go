package waiter_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/status"
)

// A service may know why a job cannot succeed long before it says that the job has failed.
func TestTheReasonOfAJobThatIsNotDoneIsReported(t *testing.T) {
	for name, c := range map[string]struct {
		job  status.Job
		want string
	}{
		"code and reason": {status.Job{Status: "running", ErrorCode: "SFS.TURBO.0100", FailReason: "quota exceeded"},
			"Last seen running 100ms ago, unchanged for 1m0s (SFS.TURBO.0100: quota exceeded); "},
		"a reason only": {status.Job{Status: "waiting", FailReason: "no capacity\nin this zone"},
			"Last seen waiting 100ms ago, unchanged for 1m0s (no capacity in this zone); "},
		"before the sub-jobs": {status.Job{Status: "running", ErrorCode: "SFS.TURBO.0100", SubJobs: []status.Job{sub("a", "running")}},
			"Last seen running 100ms ago, unchanged for 1m0s (SFS.TURBO.0100, sub-job a running); "},
		"none": {status.Job{Status: "running"}, "Last seen running 100ms ago, unchanged for 1m0s; "},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, err := newWaiter(t, responses(c.job)).Wait(withDeadline(t, time.Minute), id)
				require.ErrorIs(t, err, waiter.ErrUnfinished)
				require.ErrorContains(t, err, c.want)
			})
		})
	}
}
