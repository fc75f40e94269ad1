package follow_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func observe(s *follow.State, r poller.Reply) follow.Next {
	return s.Observe(follow.Poll{Reply: r, At: began.Add(time.Second)}, follow.Rules{})
}

func TestFoldTrimsBlanks(t *testing.T) {
	for sent, end := range map[status.Status]follow.End{
		"success ": follow.Succeeded, "\tSUCCESS\r\n": follow.Succeeded, "\u00a0failed": follow.JobFailed, "\ufeffFailed\x00": follow.JobFailed,
		" running": follow.Open, "all success": follow.Open,
	} {
		s := follow.Begin(status.Job{ID: "a"}, began)
		n := observe(&s, poller.Reply{Job: status.Job{ID: " a\n", Status: sent, SubJobs: []status.Job{{ID: " b", Status: sent}}}})
		require.NoError(t, n.Failure, "%q", sent)
		require.Equal(t, end, n.End, "%q", sent)
		again := observe(&s, poller.Reply{Job: status.Job{Status: sent + " ", SubJobs: []status.Job{{ID: "b ", Status: " " + sent}}}})
		require.Empty(t, again.Transitions, "%q: the same, with other blanks", sent)
	}
}

// A process may follow a million jobs, with three sub-jobs each.
func TestFoldSharesKnownStatuses(t *testing.T) {
	s := follow.Begin(status.Job{ID: "a"}, began)
	decoded := func() status.Status { return status.Status(strings.Clone("running")) }
	observe(&s, poller.Reply{Job: status.Job{Status: decoded(), SubJobs: []status.Job{{ID: "b", Status: decoded()}}}})
	require.Same(t, unsafe.StringData(string(s.Job.Status)), unsafe.StringData(string(s.Job.SubJobs[0].Status)))
}

func TestFoldLeavesNoStatusOfBlanks(t *testing.T) {
	for _, sent := range []status.Status{"", " ", "\t\n", "\u00a0", "\u200b"} {
		s := follow.Begin(status.Job{ID: "a"}, began)
		require.ErrorContains(t, observe(&s, poller.Reply{Job: status.Job{Status: sent}}).Failure, "no status", "%q", sent)
	}
}

func TestWarningsOfWhatWasDropped(t *testing.T) {
	s := follow.Begin(status.Job{ID: "a"}, began)
	running := func(dropped string) []string {
		return observe(&s, poller.Reply{Job: status.Job{Status: status.Running}, Dropped: dropped}).Warnings
	}
	require.Empty(t, running(""))
	require.Equal(t, []string{"left out of the response: sub_jobs, which is not a list"}, running("sub_jobs, which is not a list"))
	require.Empty(t, running("sub_jobs, which is not a list"))
	require.Equal(t, []string{"left out of the response: a b"}, running("a\n b"), "another text, on one line")

	again := follow.Begin(s.Job, began)
	require.NoError(t, again.Remember(s.Memory()))
	s = again
	require.Empty(t, running("sub_jobs, which is not a list"), "nor again after a restart")
	require.Empty(t, running("a\n b"))
	require.Len(t, running("running"), 1, "it is not mistaken for a status")

	warnings := 0
	for i := range 1000 {
		warnings += len(running(fmt.Sprint("invented ", i)))
	}
	require.Less(t, warnings, 32, "a Poller that invents texts does not fill the log")
	require.Less(t, len(s.Memory()), 1000)
}
