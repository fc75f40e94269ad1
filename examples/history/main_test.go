package main

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
)

func TestPollsMoveToJustAfterTheTypicalEnd(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history.json")
	synctest.Test(t, func(t *testing.T) {
		server := pollertest.New()
		defer server.Close()
		endpoint, transport := server.Memory()
		client, err := poller.New(endpoint, "p", poller.WithHTTPClient(transport), poller.WithCredential(credential.Token("t")))
		require.NoError(t, err)
		defer client.CloseIdleConnections()
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), server, client, file, &out))

		rounds := regexp.MustCompile(`all jobs: ([\d.]+) polls each, and ([\d.]+) s`).FindAllStringSubmatch(out.String(), -1)
		require.Len(t, rounds, 5, out.String())
		number := func(round, i int) float64 {
			n, err := strconv.ParseFloat(rounds[round][i], 64)
			require.NoError(t, err)
			return n
		}
		require.Greater(t, number(0, 1), 3., "the exponential backoff")
		require.Less(t, number(4, 1), 2.5) // times of whole seconds can be off by that much
		require.Less(t, number(4, 1)+number(4, 2), 3.5)
		require.Contains(t, out.String(), "The history has 40 jobs")
	})
}
