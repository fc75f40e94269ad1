package main

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
)

// reconcileOften reconciles once a second, much more often than asked to, for a quarter of an hour.
func reconcileOften(t *testing.T, script pollertest.Script, token string) (end LDAPBinding, polls []time.Duration) {
	server := pollertest.New(pollertest.WithToken("t"))
	defer server.Close()
	endpoint, transport := server.Memory()
	client, err := poller.New(endpoint, "p", poller.WithHTTPClient(transport), poller.WithCredential(credential.Token(token)))
	require.NoError(t, err)
	defer client.CloseIdleConnections()
	w, err := waiter.New(client)
	require.NoError(t, err)
	r := &Reconciler{waiter: w, stored: []byte(`{}`), submit: func(context.Context) (string, error) {
		return server.Add(script), nil
	}}
	began := time.Now()
	for range 15 * 60 {
		_, err := r.Reconcile(t.Context())
		require.NoError(t, err)
		time.Sleep(time.Second)
	}
	require.NoError(t, json.Unmarshal(r.stored, &end))
	for _, request := range server.Requests() {
		polls = append(polls, request.At.Sub(began))
	}
	return end, polls
}

func TestReconcileTooEarlyMakesNoRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end, polls := reconcileOften(t, bindLDAP, "t")
		require.Equal(t, "Ready", end.Phase)
		require.LessOrEqual(t, len(polls), 5)
	})
}

func TestReconcileTriesARejectedTokenAgainAfterFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end, polls := reconcileOften(t, bindLDAP, "wrong")
		require.Equal(t, "Binding", end.Phase)
		require.Contains(t, end.Message, "fix that, then wait again")
		require.Len(t, polls, 3)
		for i, at := range polls {
			require.InDelta(t, time.Duration(i)*5*time.Minute, at, float64(2*time.Second))
		}
	})
}
