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

// intervalsOf has a peer wait for a job of this length, and returns the intervals, in seconds: from
// its start to the first poll, and from each poll to the next.
func intervalsOf(t *testing.T, p peer.Peer, length time.Duration, end status.Status) (intervals []float64, err error) {
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

func TestPeer(t *testing.T) {
	// By each peer's documentation, its n-th interval is between least and most.
	t.Run("polls as documented", func(t *testing.T) {
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
		aws := func(least float64) bounds { // from least to a bound that doubles up to 120 s
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
				intervals, err := intervalsOf(t, p, 10*time.Minute, status.Success)
				require.NoError(t, err)
				var age float64
				for n, interval := range intervals {
					least, most := documented[p.Name](n)
					require.GreaterOrEqual(t, interval, least-1e-6, "poll %d", n)
					require.LessOrEqual(t, interval, most+1e-6, "poll %d", n)
					if n == len(intervals)-1 {
						require.Less(t, age, 600.0, "poll after the end")
					}
					age += interval
				}
				require.GreaterOrEqual(t, age, 600.0)
			})
		}
	})

	t.Run("sees a failure at its next poll", func(t *testing.T) {
		for _, p := range peer.All() {
			intervals, err := intervalsOf(t, p, time.Nanosecond, status.Failed)
			require.Error(t, err, p.Name)
			require.LessOrEqual(t, len(intervals), 2, p.Name)
		}
	})

	t.Run("waits a day for a job", func(t *testing.T) {
		for _, p := range peer.All() {
			intervals, err := intervalsOf(t, p, 24*time.Hour, status.Success)
			require.NoError(t, err, p.Name)
			require.Greater(t, len(intervals), 24*60/2, p.Name)
		}
	})
}
