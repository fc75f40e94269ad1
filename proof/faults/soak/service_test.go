package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/proof/faults/internal/truth"
	"github.com/sfsturbo/waiter/status"
)

// polling polls one server, over a socket.
func polling(t *testing.T, h http.Handler) *poller.Client {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	client, err := poller.New(server.URL, "a-project", poller.WithCredential(credential.Token("a-token")))
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// A fault does what its name says, and nothing that rightly ends a wait.
func TestFaults(t *testing.T) {
	kinds := map[string]string{
		"400 internal error": "400", "401": "401", "404": "404", "408": "408", "425": "425", "429": "429", "429 Retry-After": "429",
		"500": "500", "502 HTML": "502", "503 Retry-After": "503", "504": "504",
		"reset": "network", "hang": "timeout", "hang in the body": "timeout",
	}
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			server := pollertest.New()
			t.Cleanup(server.Close)
			server.Fail(fault.Rule)
			client := polling(t, server)
			patience := time.Minute
			if fault.Break == pollertest.Hang {
				patience = 100 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			_, err := client.Poll(ctx, "job")
			require.Error(t, err)
			want, ok := kinds[fault.name]
			if !ok {
				want = "bad answer"
			}
			assert.Equal(t, want, poller.Kind(err), err)
			verdict := poller.Classify(err)
			assert.NotEqual(t, poller.Permanent, verdict)
			assert.Equal(t, fault.seldom, verdict == poller.NotFound || verdict == poller.Unauthorized, verdict)
		})
	}
}

func TestEdits(t *testing.T) {
	last := map[string]status.Job{}
	for _, edit := range edits {
		job := status.Job{ID: "j", Status: status.Running, SubJobs: []status.Job{{ID: "a"}, {ID: "b"}}}
		edit.edit(&job)
		last[edit.name] = job
	}
	assert.Equal(t, status.Status("RUNNING"), last["upper case"].Status)
	assert.Equal(t, "b", last["sub-jobs reordered"].SubJobs[0].ID)
	assert.Empty(t, last["sub-jobs lost"].SubJobs)
	assert.False(t, status.SameID("j", last["another job's"].ID))
	assert.Empty(t, last["no status"].Status)
	assert.Len(t, last, len(edits))
}

func TestServiceSeldomFaultsHappenOnce(t *testing.T) {
	s := newService(1, time.Hour)
	defer s.close()
	for range 10_000 {
		s.choose("job")
	}
	assert.Equal(t, 10_000, s.served.Polls)
	assert.Equal(t, 1, s.served.Faults["401"]+s.served.Faults["404"])
	assert.InDelta(t, 10_000/(len(faults)+len(edits)), s.served.Faults["hang"], 150)
}

func TestServiceShareOfFaults(t *testing.T) {
	s := newService(0.05, time.Hour)
	defer s.close()
	for range 20_000 {
		s.choose("job")
		s.edit(&status.Job{})
	}
	total := 0
	for _, times := range s.served.Faults {
		total += times
	}
	assert.InDelta(t, 0.05*20_000, total, 200)
	assert.GreaterOrEqual(t, len(s.served.Faults), len(faults)+len(edits)-1, "one of the seldom ones may not have had its turn")
}

func TestServiceWithoutFaults(t *testing.T) {
	s := newService(0, time.Hour)
	defer s.close()
	client := polling(t, s)
	for range 20 {
		reply, err := client.Poll(t.Context(), "job")
		require.NoError(t, err)
		assert.Equal(t, status.Waiting, reply.Job.Status, "it has begun just now")
		assert.Equal(t, truth.Draw("job", time.Hour).Script.Type, reply.Job.Type)
	}
	assert.Equal(t, served{Polls: 20, Faults: map[string]int{}}, s.served)
}
