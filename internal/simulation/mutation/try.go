package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// A test binary that hangs ends by itself after testLimit, which has it fail. A go test
// that takes longer than stageLimit, with every binary hanging on a busy machine, is
// ended and says nothing about the break.
const (
	testLimit  = 90 * time.Second
	stageLimit = 30 * time.Minute
)

type result struct {
	mutation
	verdict string
	detail  string // why, on the same line
	output  string // the end of go test's, if a stage failed
	took    time.Duration
}

// try makes m, if it is any, in a copy of the module, and runs the tests until some fail.
func try(ctx context.Context, root string, m mutation, stages []stage) (r result) {
	r.mutation = m
	defer func(begun time.Time) { r.took = time.Since(begun) }(time.Now())
	dir, err := os.MkdirTemp("", "mutation")
	if err != nil {
		r.verdict, r.detail = broken, ": "+err.Error()
		return r
	}
	defer os.RemoveAll(dir)
	copied, scratch := filepath.Join(dir, "module"), filepath.Join(dir, "tmp")
	err = errors.Join(os.Mkdir(copied, 0o700), os.Mkdir(scratch, 0o700), copyModule(root, copied))
	if err == nil && m != (mutation{}) {
		err = m.apply(copied)
	}
	if err != nil {
		r.verdict, r.detail = broken, ": "+err.Error()
		return r
	}
	for _, s := range stages {
		output, err := goTest(ctx, copied, scratch, s.packages, stageLimit)
		switch {
		case err == nil:
			continue
		case ctx.Err() != nil:
			r.verdict = interrupted
			return r
		}
		r.verdict, r.detail = judge(output, err)
		r.detail, r.output = " (by "+s.pattern+": "+r.detail+")", tail(output)
		return r
	}
	r.verdict = survived
	if m.survives != "" {
		r.verdict, r.detail = known, ": "+m.survives
	}
	return r
}

// goTest runs the tests of packages. Nothing of them is left when it returns: what is
// killed can't remove its temporary files, so that these are made in scratch.
func goTest(ctx context.Context, dir, scratch string, packages []string, limit time.Duration) (output string, err error) {
	tooLong := errors.New("it did not end within " + limit.String())
	ctx, cancel := context.WithTimeoutCause(ctx, limit, tooLong)
	defer cancel()
	// Trimmed of its path, a copy is built from what the others have built, but for what is broken.
	args := append([]string{"test", "-trimpath", "-failfast", "-timeout", testLimit.String()}, packages...)
	c := exec.CommandContext(ctx, "go", args...)
	c.Dir = dir
	c.Env = append(c.Environ(), "TMPDIR="+scratch, "GOTMPDIR="+scratch)
	c.WaitDelay = 10 * time.Second // for a descendant that outlives it and holds its output
	killWithChildren(c)
	out, err := c.CombinedOutput()
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return string(out), err
}
