package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// trend describes a series after its first quarter, in which the waits begin.
type trend struct {
	mean float64 // of the second half
	rise float64 // of its least-squares line per minute, as a share of the mean
	peak float64 // the maximum of the last quarter over that of the second, minus 1
}

func trendOf(samples []sample, value func(sample) float64) trend {
	n := len(samples)
	half := samples[n/2:]
	slope, mean := line(half, value)
	return trend{
		mean: mean,
		rise: 60 * slope / mean,
		peak: highest(samples[n*3/4:], value)/highest(samples[n/4:n/2], value) - 1,
	}
}

// flat returns what shows that the series grows; nil if it is flat.
//
//   - The line may rise by 5 % a minute. It averages over all samples, so that noise does not hide a
//     trend. In two minutes each wait is replaced about four times: if one end in forty left behind
//     what a wait holds, that would be 5 % a minute.
//   - The peak may be 10 % higher: a short rise hardly tilts the line.
//
// What falls is flat. A series of zeros is an error: nothing was measured.
func (t trend) flat() error {
	switch {
	case math.IsNaN(t.rise), math.IsNaN(t.peak):
		return errors.New("nothing was measured")
	case t.rise > 0.05:
		return fmt.Errorf("rises by %.1f %% a minute", 100*t.rise)
	case t.peak > 0.1:
		return fmt.Errorf("the last quarter's maximum is %.1f %% above the second's", 100*t.peak)
	}
	return nil
}

// line returns the slope per second and the mean of the least-squares line.
func line(samples []sample, value func(sample) float64) (slope, mean float64) {
	var meanX float64
	for _, s := range samples {
		meanX += s.at.Seconds() / float64(len(samples))
		mean += value(s) / float64(len(samples))
	}
	var xy, xx float64
	for _, s := range samples {
		x := s.at.Seconds() - meanX
		xy += x * (value(s) - mean)
		xx += x * x
	}
	return xy / xx, mean
}

func highest(samples []sample, value func(sample) float64) float64 {
	return value(slices.MaxFunc(samples, func(a, b sample) int {
		return cmp.Compare(value(a), value(b))
	}))
}

// pace returns the polls per second of the second quarter and of the last.
func pace(samples []sample) (before, after float64) {
	n := len(samples)
	between := func(a, b sample) float64 { return float64(b.polls-a.polls) / (b.at - a.at).Seconds() }
	return between(samples[n/4-1], samples[n/2-1]), between(samples[n*3/4-1], samples[n-1])
}
