//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// killWithChildren has the end of c's context kill what c has started too: a go test
// that is killed leaves its test binaries running.
func killWithChildren(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
}
