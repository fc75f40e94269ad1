package main

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestFlat(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	noise := func() float64 { return 1 + 0.06*(r.Float64()-0.5) }
	level := func(s float64) float64 { return 100e6 * min(1, s/20) } // once all waits have begun
	for name, test := range map[string]struct {
		value func(second float64) float64
		says  string
	}{
		"level":                   {func(float64) float64 { return 10_064 }, ""},
		"level with noise":        {func(s float64) float64 { return noise() * level(s) }, ""},
		"falling":                 {func(s float64) float64 { return noise() * level(s) * (2 - s/120) }, ""},
		"a collection every 7 s":  {func(s float64) float64 { return level(s) * (1 + 0.05*math.Mod(s, 7)/7) }, ""},
		"4 % a minute":            {func(s float64) float64 { return level(s) * (1 + 0.04*s/60) }, ""},
		"6 % a minute":            {func(s float64) float64 { return level(s) * (1 + 0.06*s/60) }, "rises by 5"},
		"twice as much a minute":  {func(s float64) float64 { return noise() * level(s) * (1 + s/60) }, "rises by"},
		"a step after the middle": {func(s float64) float64 { return level(s) * (1 + 0.2*math.Floor(s/65)) }, "rises by"},
		"nothing":                 {func(float64) float64 { return 0 }, "nothing was measured"},
		"a peak at the end":       {func(s float64) float64 { return level(s) * (1 + 0.2*math.Floor(s/119)) }, "the last quarter's maximum is 20.0 % above"},
	} {
		t.Run(name, func(t *testing.T) {
			var samples []sample
			for second := range 120 {
				at := float64(second + 1)
				samples = append(samples, sample{at: time.Duration(at) * time.Second, live: test.value(at)})
			}
			err := trendOf(samples, func(s sample) float64 { return s.live }).flat()
			if test.says == "" {
				assert.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, test.says)
		})
	}
}

func TestLine(t *testing.T) {
	samples := []sample{{at: 10 * time.Second, live: 3}, {at: 12 * time.Second, live: 7}, {at: 14 * time.Second, live: 11}}
	slope, mean := line(samples, func(s sample) float64 { return s.live })
	assert.InDelta(t, 2, slope, 1e-9)
	assert.InDelta(t, 7, mean, 1e-9)
}

func TestHighest(t *testing.T) {
	samples := []sample{{live: 0.2}, {live: 0.9}, {live: 0.4}}
	assert.Equal(t, 0.9, highest(samples, func(s sample) float64 { return s.live }))
}
