package pace

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/status"
)

func done(jobType string) Observation {
	return Observation{Job: status.Job{
		Type: jobType, Status: status.Success, BeginTime: "2026-01-02 10:00:00", EndTime: "2026-01-02 10:00:20",
	}}
}

func TestTypesThatTaughtNothingMakeRoom(t *testing.T) {
	h := new(History)
	for i := range maxTypes {
		b := h.BackOff().(Observer)
		running := Observation{Job: status.Job{Type: fmt.Sprint(i), Status: status.Running}, Age: time.Second}
		b.Observe(running)
		running.Abandoned = true
		b.Observe(running)
	}
	taught := new(History)
	taught.BackOff().(Observer).Observe(done("bind_ldap"))
	state, err := json.Marshal(taught)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(state, h))
	_, _, jobs := h.Typical("bind_ldap")
	require.Equal(t, 1, jobs)
	h.BackOff().(Observer).Observe(done("another"))
	_, _, jobs = h.Typical("another")
	require.Equal(t, 1, jobs)
}

func TestCountsThatCantBeAreRefused(t *testing.T) {
	for _, state := range []string{
		`{"version":1}`,
		`{"version":1,"all":{"jobs":1,"counts":{"5":2}}}`,
		`{"version":1,"all":{"jobs":1000,"counts":{"5":100,"6":46}}}`,
		`{"version":1,"all":{"jobs":1,"counts":{"5":1e15}}}`,
		`{"version":1,"all":{"jobs":0,"counts":{}},"types":{"a":{"jobs":1,"counts":{"5":1}}}}`,
	} {
		h := new(History)
		h.BackOff().(Observer).Observe(done("bind_ldap"))
		require.ErrorContains(t, json.Unmarshal([]byte(state), h), "what was known before stays", state)
		_, _, jobs := h.Typical("bind_ldap")
		require.Equal(t, 1, jobs)
	}
}
