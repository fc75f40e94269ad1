package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

const module = "github.com/sfsturbo/waiter"

// patience is the limit for a stage's tests without a break.
const patience = 30 * time.Minute

// A runner runs the tests that judge a break. The tests of the next stage, a pattern of packages
// relative to the repository's root, run only if those of this one pass.
type runner struct {
	root    string // of the repository
	scratch string // for temporary files: a process that is killed cannot remove its own
	tests   string // patterns to run instead of the default ones
	limits  map[string]time.Duration
}

type result struct {
	mutation
	verdict verdict
	detail  string // why, on the same line
	output  string // the end of go test's output, if the break is broken
	took    time.Duration
}

// repository returns the root of the repository that this runs in.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	root := regexp.MustCompile(`(?m)^module ` + regexp.QuoteMeta(module) + `$`)
	for ; ; dir = filepath.Dir(dir) {
		if text, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil && root.Match(text) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("run it within the repository of " + module)
		}
	}
}

// stages returns the patterns whose tests judge a break of file, the likeliest to notice it first.
func (r *runner) stages(file string) []string {
	dir := path.Dir(filepath.ToSlash(file))
	switch {
	case r.tests != "":
		return strings.Split(r.tests, ",")
	case dir == ".":
		return []string{".", "./proof/simulation", "./..."}
	}
	return []string{"./" + dir, "./proof/simulation", ".", "./..."}
}

// measure runs the stages of all mutations without a break, and sets their limits: tests that
// fail without a break judge none.
func (r *runner) measure(ctx context.Context, mutations []mutation, workers int) (took time.Duration, err error) {
	for _, m := range mutations {
		for _, stage := range r.stages(m.file) {
			if _, ok := r.limits[stage]; ok {
				continue
			}
			begun := time.Now()
			output, err := r.goTest(ctx, patience, stage, "-count=1") // not cached: it is timed
			switch passed := strings.Contains("\n"+output, "\nok  \t"); {
			case err != nil:
				_, by := judge(output, err)
				return 0, fmt.Errorf("the tests of %s fail without a break (%s), so that every break would count as caught\n%s", stage, by, tail(output))
			case passed:
				r.limits[stage] = limitFor(time.Since(begun), workers)
				took += time.Since(begun)
			case r.tests != "":
				return 0, fmt.Errorf("no package with tests matches %s: %s", stage, advice)
			default:
				r.limits[stage] = 0
			}
		}
	}
	return took, nil
}

// limitFor returns the limit for one test binary, which fails by it if it hangs. It is generous:
// a harmless break must not count as caught because the machine has become busy.
func limitFor(took time.Duration, workers int) time.Duration {
	return max(90*time.Second, 5*time.Duration(workers)*took)
}

// try makes the break m, and runs its stages until tests fail.
func (r *runner) try(ctx context.Context, m mutation) (res result) {
	res.mutation = m
	defer func(begun time.Time) { res.took = time.Since(begun) }(time.Now())
	overlay, err := m.overlay(r.root, r.scratch)
	if err != nil {
		res.verdict, res.detail = broken, ": "+err.Error()
		return res
	}
	for _, stage := range r.stages(m.file) {
		limit := r.limits[stage]
		if limit == 0 {
			continue
		}
		// If every binary of a busy machine hangs, they are ended, and say nothing about the break.
		output, err := r.goTest(ctx, 20*limit, stage, "-overlay="+overlay, "-timeout="+limit.String())
		switch {
		case err == nil:
			continue
		case ctx.Err() != nil:
			return res
		}
		v, by := judge(output, err)
		res.verdict, res.detail = v, fmt.Sprintf(" (by %s: %s)", stage, by)
		switch {
		case v == broken:
			res.output = tail(output)
		case m.survives != "":
			res.detail += ": its survives line is out of date"
		}
		return res
	}
	res.verdict = survived
	if m.survives != "" {
		res.verdict, res.detail = known, ": "+m.survives
	}
	return res
}

const advice = `-tests takes directories of packages, separated by commas, such as "./status,./poller/..."`

// goTest runs go test on a stage, within limit. When it returns, no process of it is left.
func (r *runner) goTest(ctx context.Context, limit time.Duration, stage string, flags ...string) (output string, err error) {
	dir, pattern, err := r.inModule(stage)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errors.New("it did not end within "+limit.String()))
	defer cancel()
	args := append([]string{"test", "-failfast"}, flags...)
	c := exec.CommandContext(ctx, "go", append(args, pattern)...)
	c.Dir = dir
	c.Env = append(c.Environ(), "TMPDIR="+r.scratch, "GOTMPDIR="+r.scratch)
	c.WaitDelay = 10 * time.Second // for a descendant that outlives it and holds its output
	kill := inGroup(c)
	out, err := c.CombinedOutput()
	if c.Process != nil {
		_ = kill() // a test's own children
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return string(out), err
}

// inModule returns the directory of the module that a stage is in, and the stage as a pattern in
// there: a nested module is no part of the root's.
func (r *runner) inModule(stage string) (dir, pattern string, err error) {
	base := strings.TrimSuffix(stage, "/...")
	if base != "." && !strings.HasPrefix(base, "./") {
		return "", "", fmt.Errorf("what is %q? %s", stage, advice)
	}
	dir = path.Clean(base)
	for dir != "." && !exists(filepath.Join(r.root, dir, "go.mod")) {
		dir = path.Dir(dir)
	}
	rest := path.Clean(stage)
	if dir != "." {
		rest = strings.TrimPrefix(strings.TrimPrefix(rest, dir), "/")
	}
	return filepath.Join(r.root, dir), "./" + rest, nil
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
