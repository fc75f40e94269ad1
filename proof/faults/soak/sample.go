package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"time"
)

// sample is one measurement of the process.
type sample struct {
	at         time.Duration // since the beginning
	heap       float64       // bytes in use, before a collection
	live       float64       // bytes in use after it
	stacks     float64       // bytes
	goroutines float64
	waits      int64 // in progress

	// Counts since the beginning:
	polls, failedPolls, succeeded, failed, unfinished, wrong int64

	rate float64 // polls per second since the sample before
}

var columns = []string{
	"seconds", "heap_bytes", "live_heap_bytes", "stack_bytes", "goroutines", "waits",
	"polls", "failed_polls", "succeeded", "failed", "unfinished", "wrong", "polls_per_second",
}

func (s sample) row() []string {
	row := []string{fmt.Sprintf("%.3f", s.at.Seconds())}
	for _, v := range []float64{s.heap, s.live, s.stacks, s.goroutines} {
		row = append(row, strconv.FormatFloat(v, 'f', 0, 64))
	}
	for _, v := range []int64{s.waits, s.polls, s.failedPolls, s.succeeded, s.failed, s.unfinished, s.wrong} {
		row = append(row, strconv.FormatInt(v, 10))
	}
	return append(row, fmt.Sprintf("%.0f", s.rate))
}

// record takes a sample each second, or sixty in all if that is more often, until s.length is over.
// It writes each to s.csv as it is taken.
func (l *load) record(ctx context.Context, s settings) (samples []sample, err error) {
	file, err := os.Create(s.csv)
	if err != nil {
		return nil, err
	}
	w := csv.NewWriter(file)
	defer func() {
		w.Flush()
		err = errors.Join(err, w.Error(), file.Close())
	}()
	if err := w.Write(columns); err != nil {
		return nil, err
	}

	every := time.NewTicker(min(time.Second, s.length/60))
	defer every.Stop()
	last := sample{}
	for last.at < s.length {
		select {
		case <-every.C:
		case <-ctx.Done():
			return samples, fmt.Errorf("stopped after %v: %w", time.Since(l.began).Round(time.Second/10), context.Cause(ctx))
		}
		now := l.sample()
		now.rate = float64(now.polls-last.polls) / (now.at - last.at).Seconds()
		samples, last = append(samples, now), now
		if err := w.Write(now.row()); err != nil {
			return samples, err
		}
		w.Flush() // for tail -f
	}
	return samples, nil
}

func (l *load) sample() sample {
	read := func(name string) float64 {
		m := []metrics.Sample{{Name: name}}
		metrics.Read(m)
		return float64(m[0].Value.Uint64())
	}
	now := sample{heap: read("/memory/classes/heap/objects:bytes")}
	runtime.GC()
	now.at = time.Since(l.began)
	now.live = read("/gc/heap/live:bytes")
	now.stacks = read("/memory/classes/heap/stacks:bytes")
	now.goroutines = read("/sched/goroutines:goroutines")
	now.waits, now.polls, now.failedPolls = l.waits.Load(), l.polls.Load(), l.failedPolls.Load()
	now.succeeded, now.failed = l.succeeded.Load(), l.failed.Load()
	now.unfinished, now.wrong = l.unfinished.Load(), l.wrong.Load()
	return now
}
