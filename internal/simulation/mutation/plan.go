package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A stage is packages whose tests run together. Those of the next one run only if
// these pass.
type stage struct {
	pattern  string
	packages []string
}

// plan says which tests judge which break.
type plan struct {
	tests  string
	all    []stage          // each once
	stages map[string]stage // by pattern
}

// planFor lists the packages before any break is made: a pattern that stands for none
// must not look like tests that fail, or pass.
func planFor(ctx context.Context, root string, mutations []mutation, tests string) (plan, error) {
	p := plan{tests: tests, stages: map[string]stage{}}
	for _, m := range mutations {
		for _, pattern := range p.patterns(m) {
			if _, listed := p.stages[pattern]; listed {
				continue
			}
			packages, err := packagesOf(ctx, root, pattern)
			if err != nil {
				return plan{}, err
			}
			p.stages[pattern] = stage{pattern, packages}
			p.all = append(p.all, p.stages[pattern])
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
		stages = append(stages, p.stages[pattern])
	}
	return stages
}

// packagesOf returns the packages that a pattern stands for, but for this one, which
// would notice nothing but that a text has changed.
func packagesOf(ctx context.Context, root, pattern string) ([]string, error) {
	const advice = `-tests takes packages as go test does, separated by commas, such as "./status,./poller/..."`
	if strings.TrimSpace(pattern) == "" {
		return nil, errors.New("-tests has an empty package: " + advice)
	}
	c := exec.CommandContext(ctx, "go", "list", "--", pattern)
	c.Dir = root
	listed, err := c.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("go list %s: %s: %s", pattern, strings.TrimSpace(string(failed.Stderr)), advice)
	}
	if err != nil {
		return nil, err
	}
	packages := slices.DeleteFunc(strings.Fields(string(listed)), func(name string) bool {
		return strings.HasSuffix(name, "/internal/simulation/mutation")
	})
	if len(packages) == 0 {
		return nil, fmt.Errorf("no package to test matches %s: %s", pattern, advice)
	}
	return packages, nil
}
