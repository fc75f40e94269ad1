package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

const module = "github.com/sfsturbo/waiter"

var moduleLine = regexp.MustCompile(`(?m)^module \S+`)

// moduleRoot returns where the library's module is that this is run in.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := goCommand(ctx, "", "env", "GOMOD").Output()
	if err != nil {
		return "", err
	}
	mod := strings.TrimSpace(string(out))
	if filepath.Base(mod) != "go.mod" {
		return "", errors.New("this is no module: run it in the root of " + module)
	}
	text, err := os.ReadFile(mod)
	if err != nil {
		return "", err
	}
	if line := moduleLine.FindString(string(text)); line != "module "+module {
		return "", fmt.Errorf("this is the %s: run it in the root of %s", cmp.Or(line, mod), module)
	}
	return filepath.Dir(mod), nil
}

// goCommand is one that leaves nothing running when ctx ends.
func goCommand(ctx context.Context, dir string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, "go", args...)
	c.Dir = dir
	inGroup(c)
	return c
}

// A sandbox is a copy of the module.
type sandbox struct {
	dir, module string
	scratch     string // for temporary files: what is killed can't remove its own
}

func newSandbox(root string) (sandbox, error) {
	dir, err := os.MkdirTemp("", "mutation")
	if err != nil {
		return sandbox{}, err
	}
	s := sandbox{dir, filepath.Join(dir, "module"), filepath.Join(dir, "tmp")}
	if err := errors.Join(os.Mkdir(s.module, 0o700), os.Mkdir(s.scratch, 0o700), copyModule(root, s.module)); err != nil {
		s.remove()
		return sandbox{}, err
	}
	return s, nil
}

func (s sandbox) remove() { os.RemoveAll(s.dir) }

// goTest runs a go test, within that limit. Nothing of it is left when it returns.
func (s sandbox) goTest(ctx context.Context, limit time.Duration, args ...string) (output string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errors.New("it did not end within "+limit.String()))
	defer cancel()
	// Trimmed of its path, a copy is built from what the others have built, but for what is broken.
	c := exec.CommandContext(ctx, "go", append([]string{"test", "-trimpath", "-failfast"}, args...)...)
	c.Dir = s.module
	kill := inGroup(c)
	c.Env = append(c.Environ(), "TMPDIR="+s.scratch, "GOTMPDIR="+s.scratch)
	c.WaitDelay = 10 * time.Second // for a descendant that outlives it and holds its output
	out, err := c.CombinedOutput()
	if c.Process != nil {
		_ = kill() // a test's own children
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return string(out), err
}

// copyModule copies what the root module's tests need.
func copyModule(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil || name == "." {
			return err
		}
		target := filepath.Join(to, name)
		switch {
		case entry.IsDir() && entry.Name() == ".git":
			return filepath.SkipDir
		case entry.IsDir():
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil { // another module
				return filepath.SkipDir
			}
			return os.Mkdir(target, 0o700)
		case !entry.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o600)
	})
}
