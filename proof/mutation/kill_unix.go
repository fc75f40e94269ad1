//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// inGroup has c lead a process group, and returns what kills all of it once c was
// started, as the end of c's context does: a go test that is killed leaves its test
// binaries running, and a test that fails what it has started. A terminal's Ctrl-C
// does not get there: it is for this command to say what becomes of it.
func inGroup(c *exec.Cmd) (kill func() error) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	return c.Cancel
}
