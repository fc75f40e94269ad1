package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A stage is packages whose tests run together. Those of the next one run only if
// these pass.
type stage struct {
	pattern  string
	packages []string
	took     time.Duration // without a break
	limit    time.Duration // for one test binary: then it hangs, which has it fail
}

// patience is for a stage without a break.
const patience = 30 * time.Minute

// measure runs the tests in box, where nothing is broken, and sets their limits.
func (p plan) measure(ctx context.Context, box sandbox, workers int) error {
	for i := range p.all {
		s, begun := &p.all[i], time.Now()
		output, err := box.goTest(ctx, patience, append([]string{"-count=1"}, s.packages...)...) // a cache tells no time
		if err != nil {
			_, by := judge(output, err)
			return fmt.Errorf("the unbroken copy does not pass, so that every break would count as caught: mend that first (by %s: %s)\n%s", s.pattern, by, tail(output))
		}
		s.took = time.Since(begun)
		s.limit = limitFor(s.took, workers)
	}
	return nil
}

// limitFor is generous: on a machine that is busy now and was not before, a break that
// does no harm must not count as caught.
func limitFor(took time.Duration, workers int) time.Duration {
	return max(90*time.Second, 5*time.Duration(workers)*took)
}

// judging runs the tests in box, where something is broken. If every binary of a busy
// machine hangs, they are ended, and say nothing about the break.
func (s stage) judging(ctx context.Context, box sandbox) (output string, err error) {
	return box.goTest(ctx, 20*s.limit, append([]string{"-timeout=" + s.limit.String()}, s.packages...)...)
}

// plan says which tests judge which break.
type plan struct {
	tests string
	all   []stage // each once
}

func (p plan) took() (sum time.Duration) {
	for _, s := range p.all {
		sum += s.took
	}
	return sum
}

const advice = `-tests takes packages as go test does, separated by commas, such as "./status,./poller/..."`

// planFor lists the packages before any break is made: a pattern that stands for none
// must not look like tests that fail, or pass.
func planFor(ctx context.Context, root string, mutations []mutation, tests string) (plan, error) {
	p := plan{tests: tests}
	listed := map[string]bool{}
	for _, m := range mutations {
		for _, pattern := range p.patterns(m) {
			if listed[pattern] {
				continue
			}
			listed[pattern] = true
			packages, err := packagesOf(ctx, root, pattern)
			switch {
			case err != nil && tests != "":
				return plan{}, fmt.Errorf("%w: %s", err, advice)
			case err != nil:
				return plan{}, err
			case len(packages) > 0:
				p.all = append(p.all, stage{pattern: pattern, packages: packages})
			case tests != "":
				return plan{}, fmt.Errorf("no package with tests matches %s: %s", pattern, advice)
			}
		}
	}
	return p, nil
}

// patterns are those whose tests judge m, the likeliest to notice first.
func (p plan) patterns(m mutation) []string {
	if p.tests != "" {
		return strings.Split(p.tests, ",")
	}
	return []string{"./" + filepath.ToSlash(filepath.Dir(m.file)), "./internal/simulation", "./..."}
}

func (p plan) of(m mutation) []stage {
	var stages []stage
	for _, pattern := range p.patterns(m) {
		for _, s := range p.all {
			if s.pattern == pattern {
				stages = append(stages, s)
			}
		}
	}
	return stages
}

// packagesOf returns the packages with tests that a pattern stands for, but for this
// one, which would notice nothing but that a text has changed.
func packagesOf(ctx context.Context, root, pattern string) ([]string, error) {
	if strings.TrimSpace(pattern) == "" {
		return nil, errors.New("an empty package")
	}
	const tested = "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}"
	listed, err := goCommand(ctx, root, "list", "-f", tested, "--", pattern).Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("go list %s: %s", pattern, strings.TrimSpace(string(failed.Stderr)))
	}
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(strings.Fields(string(listed)), func(name string) bool {
		return strings.HasSuffix(name, "/internal/simulation/mutation")
	}), nil
}
