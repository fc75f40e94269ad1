package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestReport(t *testing.T) {
	var samples []sample
	for second := range 120 {
		growing := float64(second + 1)
		samples = append(samples, sample{at: time.Duration(growing) * time.Second, live: growing, stacks: 1, goroutines: growing})
	}
	l := &load{wrongs: []error{errors.New("job 7 was delivered twice")}, left: 3, lag: 1234 * time.Millisecond}
	l.wrong.Store(1)
	var out bytes.Buffer
	err := report(&out, settings{waits: 10, length: 2 * time.Minute}, samples, l, &served{Polls: 200, Faults: map[string]int{"hang": 3, "cut": 7}})
	assert.Contains(t, out.String(), "1 waits ended, 1 of them wrongly")
	assert.Contains(t, out.String(), "200 responses, and 10 faults among them (5.0 %), of 2 kinds:\n      7 x cut\n      3 x hang\n")
	assert.Contains(t, out.String(), "the greatest lag between a job's end and its wait's: 1.2s\n")
	assert.NotContains(t, out.String(), "Flat")
	for _, says := range []string{"job 7 was delivered twice", "not flat: MB of heap", "not flat: goroutines", "3 goroutines were left"} {
		assert.ErrorContains(t, err, says)
	}
	assert.ErrorContains(t, report(io.Discard, settings{faults: 0.05}, samples, &load{}, &served{}), "soak shows nothing")
	assert.NoError(t, report(io.Discard, settings{length: 3 * time.Minute}, samples, &load{}, &served{}), "stopped: waits may still begin")
	assert.ErrorContains(t, report(io.Discard, settings{faults: 0.05}, samples, &load{}, &served{Polls: 9}), "soak shows nothing")
	assert.NotContains(t, fmt.Sprint(report(io.Discard, settings{faults: 0.05}, samples, &load{}, nil)), "soak shows nothing", "the service could not report")
	assert.NoError(t, report(io.Discard, settings{length: time.Minute}, samples[:60], &load{}, &served{}), "too short for a trend")
	assert.ErrorContains(t, report(io.Discard, settings{}, samples[:7], l, &served{}), "7 samples are too few")
}

// A library that stops polling holds on to its waits, and to nothing more: everything is flat.
func TestReportPollsThatDieDown(t *testing.T) {
	for name, test := range map[string]struct {
		rate func(second int) int64
		says string
	}{
		"steady":         {func(int) int64 { return 2400 }, ""},
		"a little fewer": {func(second int) int64 { return 2400 - 9*int64(second) }, ""},
		"halved":         {func(second int) int64 { return 2400 - 1400*int64(second/60) }, "2400 a second in the second quarter, 1000 in the last"},
		"none":           {func(second int) int64 { return 2400 * int64(1-second/60) }, "0 in the last"},
	} {
		t.Run(name, func(t *testing.T) {
			var samples []sample
			var polls int64
			for second := range 120 {
				polls += test.rate(second)
				samples = append(samples, sample{at: time.Duration(second+1) * time.Second, live: 1, stacks: 1, goroutines: 1, polls: polls})
			}
			err := report(io.Discard, settings{length: 2 * time.Minute}, samples, &load{}, nil)
			if test.says == "" {
				assert.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, "the polls die down: ")
			assert.ErrorContains(t, err, test.says)
		})
	}
}
