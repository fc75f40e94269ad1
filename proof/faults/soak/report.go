package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// watched are the series that have to stay flat. Stacks are not among them: the runtime allocates
// and frees them at times of its own, and a leak of stacks is a leak of goroutines.
var watched = []struct {
	name  string
	unit  float64
	value func(sample) float64
}{
	{"MB of heap after a collection", mega, func(s sample) float64 { return s.live }},
	{"goroutines", 1, func(s sample) float64 { return s.goroutines }},
}

// report prints what the soak has shown; served is nil if the service could not report. The error
// says what was wrong.
func report(out io.Writer, s settings, samples []sample, l *load, served *served) error {
	if len(samples) < 8 {
		return errors.Join(append(l.wrongs, fmt.Errorf("%d samples are too few for a report", len(samples)))...)
	}
	var text strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&text, format+"\n", args...) }
	last := samples[len(samples)-1]
	ended := l.succeeded.Load() + l.failed.Load() + l.unfinished.Load() + l.wrong.Load()
	say("%d waits at a time for %v: %d waits ended, %d of them wrongly", s.waits, last.at.Round(time.Second), ended, l.wrong.Load())
	say("as their jobs did: %d succeeded, %d failed; as their contexts did: %d, and %d when the soak was over",
		l.succeeded.Load(), l.failed.Load(), last.unfinished, l.unfinished.Load()-last.unfinished)
	say("%d polls, %.0f a second; %d failed", last.polls, float64(last.polls)/last.at.Seconds(), last.failedPolls)
	say("the greatest lag between a job's end and its wait's: %v", l.lag.Round(time.Second/10))

	wrongs := l.wrongs
	if served != nil {
		if faulty := served.report(say); faulty == 0 && s.faults > 0 {
			wrongs = append(wrongs, errors.New("no poll met a fault, so the soak shows nothing"))
		}
	}
	// In a run that ended early, waits still begin. In a run of a minute with 1,000 waits, which begin
	// and end in waves, the heap rose by up to 18 % with nothing left behind.
	tooShort := last.at < max(s.length, 2*time.Minute)
	_, stacks := line(samples[len(samples)/2:], func(s sample) float64 { return s.stacks })
	say("in the second half, on average, beside %.1f MB of stacks:", stacks/mega)
	for _, w := range watched {
		t := trendOf(samples, w.value)
		if tooShort {
			say("%8.1f %s", t.mean/w.unit, w.name)
			continue
		}
		say("%8.1f %s; %+.1f %% a minute, the last quarter's maximum %+.1f %% from the second's", t.mean/w.unit, w.name, 100*t.rise, 100*t.peak)
		if err := t.flat(); err != nil {
			wrongs = append(wrongs, fmt.Errorf("not flat: %s: %w", w.name, err))
		}
	}
	if before, after := pace(samples); last.at >= max(s.length, time.Minute) && after < before/2 {
		wrongs = append(wrongs, fmt.Errorf("the polls die down: %.0f a second in the second quarter, %.0f in the last", before, after))
	}
	if l.left > 0 {
		wrongs = append(wrongs, fmt.Errorf("%d goroutines were left at the end", l.left))
	}
	switch {
	case len(wrongs) > 0:
	case tooShort:
		say("No wait wrong, no goroutine left. It takes a whole soak, of two minutes, to say what is flat")
	default:
		say("Flat, no wait wrong, no goroutine left")
	}
	_, err := io.WriteString(out, text.String())
	return errors.Join(append(wrongs, err)...)
}

// report prints what the service did. It returns the number of faults.
func (s *served) report(say func(format string, args ...any)) (faulty int) {
	for _, times := range s.Faults {
		faulty += times
	}
	say("the service gave %d responses, and %d faults among them (%.1f %%), of %d kinds:", s.Polls,
		faulty, 100*float64(faulty)/float64(max(1, s.Polls)), len(s.Faults))
	for _, kind := range slices.Sorted(maps.Keys(s.Faults)) {
		say("%7d x %s", s.Faults[kind], kind)
	}
	return faulty
}
