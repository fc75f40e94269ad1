package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// demonstrate runs this program three times as a process of its own: it is killed, then finds the
// disk full at the job's last change, then goes on to the end.
func demonstrate(ctx context.Context, out io.Writer) error {
	server := pollertest.New()
	defer server.Close()
	dir, err := os.MkdirTemp("", "checkpoint")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	p := process{endpoint: server.Start(), id: server.Add(bindLDAP), file: filepath.Join(dir, "bind-1.json")}

	fmt.Fprintln(out, "First run, killed after the sub-job:")
	killed, kill := context.WithCancel(ctx)
	defer kill()
	end, err := p.run(killed, func(line string) {
		fmt.Fprintln(out, "  "+line)
		if line == "check_ldap: success" || line == "check_ldap: running -> success" {
			time.AfterFunc(100*time.Millisecond, kill) // once this is stored
		}
	})
	if err != nil {
		return err
	}
	stored, err := os.ReadFile(p.file)
	if err != nil {
		return fmt.Errorf("the first run stored no checkpoint: %w", err)
	}
	fmt.Fprintf(out, "[%s]\nThe checkpoint is\n  %s\n", end, stored)
	time.Sleep(time.Until(p.started.Add(4 * time.Second))) // meanwhile the job goes on, and ends

	for _, run := range []struct {
		title string
		full  bool
	}{{"Second run, on a full disk:", true}, {"Third run, on a disk with room:", false}} {
		fmt.Fprintln(out, "\n"+run.title)
		if run.full {
			if err := fillDisk(p.file); err != nil {
				return err
			}
		}
		end, err := p.run(ctx, func(line string) { fmt.Fprintln(out, "  "+line) })
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "[%s]\n", end)
	}
	fmt.Fprintln(out, "\nNothing was lost. What could not be stored was delivered again.")
	return nil
}

// process is this program, waiting for a job in a process of its own.
type process struct {
	endpoint, id, file string
	started            time.Time // the first run
}

// run starts the program and calls each for each line that it prints. If ctx ends, the process is
// killed (SIGKILL). run returns how the process ended, and what it wrote to stderr.
func (p *process) run(ctx context.Context, each func(line string)) (end string, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	var stderr strings.Builder
	cmd := exec.CommandContext(ctx, self, p.id, p.file)
	cmd.Env = []string{"HW_SFS_TURBO_ENDPOINT=" + p.endpoint, "HW_PROJECT_ID=demo-project", "HW_AUTH_TOKEN=demo-token"}
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	err = cmd.Start()
	switch {
	case err != nil && ctx.Err() != nil:
		return "killed", nil //nolint:nilerr // which is what was asked for
	case err != nil:
		return "", err
	}
	if p.started.IsZero() {
		p.started = time.Now()
	}
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		each(lines.Text())
	}
	err = cmd.Wait()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited && ctx.Err() == nil {
		return "", err
	}
	end = cmd.ProcessState.String()
	if stderr.Len() > 0 {
		end += "\n" + strings.TrimSpace(stderr.String())
	}
	return end, nil
}

// fillDisk has the next save of the file meet a full disk: what it writes goes to /dev/full. Where
// the system has no such device, it meets a directory where the file should be.
func fillDisk(file string) error {
	if err := os.RemoveAll(file + ".new"); err != nil { // a process that was killed may have left it
		return err
	}
	if _, err := os.Stat("/dev/full"); err != nil {
		return os.Mkdir(file+".new", 0o700)
	}
	return os.Symlink("/dev/full", file+".new")
}

// bindLDAP is a job of four seconds.
var bindLDAP = pollertest.Script{ID: "bind-1", Type: "bind_ldap", Steps: []pollertest.Step{
	{After: 200 * time.Millisecond, Job: status.Job{Status: status.Running, SubJobs: []status.Job{{Type: "check_ldap", Status: status.Running}}}},
	{After: 1500 * time.Millisecond, Job: status.Job{Status: status.Running, SubJobs: []status.Job{{Type: "check_ldap", Status: status.Success}}}},
	{After: 4 * time.Second, Job: status.Job{Status: status.Success}},
}}
