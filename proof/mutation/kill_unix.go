//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// inGroup makes c the leader of a process group. It returns the function that kills the
// whole group once c has started; the end of c's context calls it too. Without a group, a
// killed go test leaves its test binaries running, and a failed test leaves its children.
// Ctrl-C in a terminal does not reach the group, so that only this command handles it.
func inGroup(c *exec.Cmd) (kill func() error) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	return c.Cancel
}
