//go:build !unix

package main

import "os/exec"

// inGroup leaves c as it is: its test binaries end by their own timeouts.
func inGroup(*exec.Cmd) (kill func() error) { return func() error { return nil } }
