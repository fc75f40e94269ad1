package pollertest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

func TestJobOfTwoDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which begins at 2000-01-01 00:00:00 UTC
		c := inMemory(t)
		sub := status.Job{ID: "s1", Type: "expand_backend", Status: status.Running}
		id := c.server.Add(pollertest.Script{ID: "Job-1", Type: "extend_share", Steps: []pollertest.Step{
			{After: 48 * time.Hour, Job: status.Job{Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "no capacity"}},
			{After: time.Minute, Job: status.Job{Status: status.Running}},
			{After: time.Hour, Job: status.Job{SubJobs: []status.Job{sub}}},
		}})
		require.Equal(t, "Job-1", id)

		waiting := status.Job{ID: "Job-1", Type: "extend_share", Status: status.Waiting}
		assert.Equal(t, waiting, c.job(id))

		time.Sleep(time.Minute - 1)
		assert.Equal(t, waiting, c.job(id))
		time.Sleep(time.Nanosecond)
		running := waiting
		running.Status, running.BeginTime = status.Running, "2000-01-01 00:01:00"
		assert.Equal(t, running, c.job(id))

		time.Sleep(24 * time.Hour)
		running.SubJobs = []status.Job{sub}
		assert.Equal(t, running, c.job(id), "the status is the step's before")

		time.Sleep(24 * time.Hour)
		assert.Equal(t, status.Job{
			ID: "Job-1", Type: "extend_share", Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "no capacity",
			BeginTime: "2000-01-01 00:01:00", EndTime: "2000-01-03 00:00:00",
		}, c.job(id))
	})
}

func TestWhatAStepLeavesOut(t *testing.T) {
	type steps = []pollertest.Step
	tests := map[string]struct {
		steps steps
		want  status.Job // after an hour
	}{
		"no steps": {
			want: status.Job{Status: status.Success, BeginTime: "2000-01-01 00:00:00", EndTime: "2000-01-01 00:00:00"},
		},
		"an empty step": {
			steps: steps{{}},
			want:  status.Job{Status: status.Waiting},
		},
		"an end without a beginning": {
			steps: steps{{time.Second, status.Job{Status: status.Failed}}},
			want:  status.Job{Status: status.Failed, BeginTime: "2000-01-01 00:00:01", EndTime: "2000-01-01 00:00:01"},
		},
		"an end that lasts": {
			steps: steps{{0, status.Job{Status: status.Success}}, {time.Minute, status.Job{ErrorCode: "late"}}},
			want:  status.Job{Status: status.Success, ErrorCode: "late", BeginTime: "2000-01-01 00:00:00", EndTime: "2000-01-01 00:00:00"},
		},
		"an end that is taken back": {
			steps: steps{{0, status.Job{Status: status.Success}}, {time.Minute, status.Job{Status: status.Running}}},
			want:  status.Job{Status: status.Running, BeginTime: "2000-01-01 00:00:00"},
		},
		"upper case": {
			steps: steps{{0, status.Job{Status: "WAITING"}}, {time.Minute, status.Job{Status: "SUCCESS"}}},
			want:  status.Job{Status: "SUCCESS", BeginTime: "2000-01-01 00:01:00", EndTime: "2000-01-01 00:01:00"},
		},
		"an unknown status": {
			steps: steps{{time.Minute, status.Job{Status: "paused"}}},
			want:  status.Job{Status: "paused", BeginTime: "2000-01-01 00:01:00"},
		},
		"what the script says itself": {
			steps: steps{
				{0, status.Job{Status: status.Running, BeginTime: "946684800000"}},
				{time.Minute, status.Job{ID: "other", Type: "t", Status: status.Success, EndTime: "2001-01-01T00:00:00Z"}},
			},
			want: status.Job{ID: "other", Type: "t", Status: status.Success, BeginTime: "946684800000", EndTime: "2001-01-01T00:00:00Z"},
		},
		"sub-jobs": {
			steps: steps{
				{0, status.Job{Status: status.Running, SubJobs: []status.Job{{ID: "a"}, {Type: "b", Status: status.Success}}}},
				{time.Minute, status.Job{SubJobs: []status.Job{{ID: "c"}}}},
			},
			want: status.Job{Status: status.Running, BeginTime: "2000-01-01 00:00:00", SubJobs: []status.Job{{ID: "c"}}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := inMemory(t)
				id := c.server.Add(pollertest.Script{ID: "job", Steps: test.steps})
				time.Sleep(time.Hour)
				if test.want.ID == "" {
					test.want.ID = "job"
				}
				assert.Equal(t, test.want, c.job(id))
			})
		})
	}
}

func TestMadeUpIDs(t *testing.T) {
	ids := func() (ids []string) {
		server := pollertest.New()
		server.Add(pollertest.Script{ID: "26F6B565000040008000000000000002"})
		for range 3 {
			ids = append(ids, server.Add(pollertest.Script{}))
		}
		return ids
	}
	first := ids()
	assert.Equal(t, first, ids(), "the same in every run")
	assert.Equal(t, []string{
		"26f6b565-0000-4000-8000-000000000001", // and not the one that is taken
		"26f6b565-0000-4000-8000-000000000003",
		"26f6b565-0000-4000-8000-000000000004",
	}, first)
}

func TestAddingAnIDAgainReplacesTheJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t)
		script := pollertest.Script{ID: "AB-CD", Steps: []pollertest.Step{{After: time.Minute, Job: status.Job{Status: status.Success}}}}
		c.server.Add(script)
		time.Sleep(time.Hour)
		require.Equal(t, status.Success, c.job("AB-CD").Status)

		script.ID = "abcd"
		c.server.Add(script)
		assert.Equal(t, status.Job{ID: "abcd", Status: status.Waiting}, c.job("AB-CD"))
	})
}

func TestScriptsAreCopied(t *testing.T) {
	c := inMemory(t)
	subs := []status.Job{{ID: "sub", Status: status.Running}}
	steps := []pollertest.Step{{Job: status.Job{Status: status.Running, SubJobs: subs}}}
	id := c.server.Add(pollertest.Script{Steps: steps})
	c.server.Script("bind_ldap", pollertest.Script{Steps: steps})
	subs[0].Status, steps[0].Job.Status = status.Failed, status.Failed

	for _, id := range []string{id, c.submit("share")} {
		job := c.job(id)
		assert.Equal(t, status.Running, job.Status)
		assert.Equal(t, status.Running, job.SubJobs[0].Status)
	}
}
