package pebble

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/tracker"
)

const recordSize = 600

// BenchmarkCommit changes random ones of 100,000 jobs, with fsync.
func BenchmarkCommit(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			j, err := Open(b.TempDir())
			require.NoError(b, err)
			records := make([]tracker.Record, n)
			for b.Loop() {
				for i := range records {
					records[i] = random(rand.IntN(100_000))
				}
				require.NoError(b, j.Commit(records))
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "changes/s")
			require.NoError(b, j.Close())
		})
	}
}

// BenchmarkOpen opens and reads a million records.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	j, err := Open(dir)
	require.NoError(b, err)
	for n := range 1000 {
		records := make([]tracker.Record, 1000)
		for i := range records {
			records[i] = random(1000*n + i)
		}
		require.NoError(b, j.Commit(records))
	}
	require.NoError(b, j.Close())
	for b.Loop() {
		j, err := Open(dir)
		require.NoError(b, err)
		n := 0
		for _, err := range j.Load() {
			require.NoError(b, err)
			n++
		}
		require.Equal(b, 1_000_000, n)
		require.NoError(b, j.Close())
	}
}

// random returns a record of a job, half of which compresses no further.
func random(job int) tracker.Record {
	data := make([]byte, recordSize)
	for i := range data {
		if data[i] = 'x'; i%2 == 0 {
			data[i] = byte(rand.IntN(256))
		}
	}
	return tracker.Record{Key: fmt.Sprintf("26f6b565111122223333%012d", job), Data: data}
}
