package peer_test

import (
	"io"
	"log"
	"math"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/proof/bench/peer"
	"github.com/sfsturbo/waiter/status"
)

// TestMain silences Terraform's loop, which logs each sleep.
func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}

// lookAt has a peer wait for a job of this length, and returns the intervals, in
// seconds: from its start to the first look, and from each look to the next.
func lookAt(t *testing.T, p peer.Peer, length time.Duration, end status.Status) (intervals []float64, err error) {
	synctest.Test(t, func(t *testing.T) {
		submitted := time.Now()
		last := submitted
		err = p.Await(t.Context(), func() status.Job {
			intervals = append(intervals, time.Since(last).Seconds())
			last = time.Now()
			if time.Since(submitted) < length {
				return status.Job{Status: status.Running}
			}
			return status.Job{Status: end}
		})
	})
	return intervals, err
}

// Each peer's intervals as its documentation has them: the n-th is between least and most.
func TestEachPeerPollsAsItIsDocumented(t *testing.T) {
	type bounds = func(n int) (least, most float64)
	exactly := func(first float64, rest func(n int) float64) bounds {
		return func(n int) (float64, float64) {
			if n == 0 {
				return first, first
			}
			return rest(n), rest(n)
		}
	}
	every := func(seconds float64) func(int) float64 { return func(int) float64 { return seconds } }
	aws := func(least float64) bounds { // at random between the least delay and what doubles, from 120 s on 120
		return func(n int) (float64, float64) {
			if n == 0 {
				return 0, 0
			}
			most := least * math.Pow(2, float64(n-1))
			if float64(n) > math.Floor(math.Log2(120/least))+1 {
				most = 120
			}
			return least, most
		}
	}
	documented := map[string]bounds{
		"vendor's provider": exactly(10, every(10)),
		"Terraform":         exactly(0, func(n int) float64 { return min(0.1*math.Pow(2, float64(n)), 10) }),
		"AWS 20 s":          aws(20),
		"AWS 5 s":           aws(5),
		"Azure":             exactly(0, every(30)),
		"Google": func(n int) (float64, float64) { // full jitter
			if n == 0 {
				return 0, 0
			}
			return 0, min(math.Pow(2, float64(n-1)), 60)
		},
		"Kubernetes":  exactly(0, every(2)),
		"gophercloud": exactly(0, every(1)),
		"backoff/v4": func(n int) (float64, float64) {
			if n == 0 {
				return 0, 0
			}
			middle := min(0.5*math.Pow(1.5, float64(n-1)), 60)
			return middle / 2, middle * 1.5
		},
	}
	require.Len(t, peer.All(), len(documented))
	for _, p := range peer.All() {
		t.Run(p.Name, func(t *testing.T) {
			intervals, err := lookAt(t, p, 10*time.Minute, status.Success)
			require.NoError(t, err)
			var age float64
			for n, interval := range intervals {
				least, most := documented[p.Name](n)
				require.GreaterOrEqual(t, interval, least-1e-6, "look %d", n)
				require.LessOrEqual(t, interval, most+1e-6, "look %d", n)
				if n == len(intervals)-1 {
					require.Less(t, age, 600.0, "a look too many")
				}
				age += interval
			}
			require.GreaterOrEqual(t, age, 600.0)
		})
	}
}

func TestEachPeerSeesAFailureAtItsNextLook(t *testing.T) {
	for _, p := range peer.All() {
		intervals, err := lookAt(t, p, time.Nanosecond, status.Failed)
		require.Error(t, err, p.Name)
		require.LessOrEqual(t, len(intervals), 2, p.Name)
	}
}

func TestNoPeerGivesUpOnAJobOfADay(t *testing.T) {
	for _, p := range peer.All() {
		intervals, err := lookAt(t, p, 24*time.Hour, status.Success)
		require.NoError(t, err, p.Name)
		require.Greater(t, len(intervals), 24*60/2, p.Name)
	}
}
