package main

import (
	"context"
	"fmt"
	"time"
)

type result struct {
	mutation
	verdict verdict
	detail  string // why, on the same line
	output  string // the end of go test's, if it is broken
	took    time.Duration
}

// try makes m in a copy of the module, and runs the tests until some fail.
func try(ctx context.Context, root string, m mutation, stages []stage) (r result) {
	r.mutation = m
	defer func(begun time.Time) { r.took = time.Since(begun) }(time.Now())
	box, err := newSandbox(root)
	if err == nil {
		defer box.remove()
		err = m.apply(box.module)
	}
	if err != nil {
		r.verdict, r.detail = broken, ": "+err.Error()
		return r
	}
	for _, s := range stages {
		output, err := s.judging(ctx, box)
		switch {
		case err == nil:
			continue
		case ctx.Err() != nil:
			return r
		}
		v, by := judge(output, err)
		r.verdict, r.detail = v, fmt.Sprintf(" (by %s: %s)", s.pattern, by)
		switch {
		case v == broken:
			r.output = tail(output)
		case m.survives != "":
			r.detail += ": its survives line is out of date"
		}
		return r
	}
	r.verdict = survived
	if m.survives != "" {
		r.verdict, r.detail = known, ": "+m.survives
	}
	return r
}
