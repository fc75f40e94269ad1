//go:build !unix

package main

import "os/exec"

// inGroup leaves it at c: its test binaries end by their own timeout.
func inGroup(*exec.Cmd) (kill func() error) { return func() error { return nil } }
