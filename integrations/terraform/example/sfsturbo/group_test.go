//go:build unix

package sfsturbo_test

import (
	"os/exec"
	"syscall"
)

// isolate gives the tool a process group of its own: its provider is in it too.
func isolate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killAll kills the tool and its provider at once.
func killAll(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
