package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFlags(t *testing.T) {
	s, err := parse(nil)
	require.NoError(t, err)
	assert.Equal(t, settings{10_000, 2 * time.Minute, 0.05, "soak.csv", "soak.svg"}, s)
	for _, args := range [][]string{
		{"-waits=1", "-for=1s", "-faults=0"}, {"-for=24h", "-faults=1"}, {"-csv=/dev/null", "-plot=/dev/null"},
	} {
		_, err := parse(args)
		assert.NoError(t, err, args)
	}
	for _, args := range [][]string{
		{"-waits=0"}, {"-waits=-1"}, {"-for=10ms"}, {"-for=0"}, {"-for=-1m"}, {"-for=24h1ns"}, {"-for=2562047h"},
		{"-faults=1.1"}, {"-faults=-1"}, {"-faults=NaN"}, {"-faults=Inf"}, {"-faults=-Inf"},
	} {
		_, err := parse(args)
		assert.ErrorContains(t, err, "-waits is 1 or more, -for from 1s to 24h, -faults from 0 to 1", args)
	}
	here, err := os.Getwd()
	require.NoError(t, err)
	dir := t.TempDir()
	there, link := filepath.Join(dir, "there"), filepath.Join(dir, "link")
	require.NoError(t, os.WriteFile(there, nil, 0o600))
	require.NoError(t, os.Symlink(there, link))
	for _, test := range []struct {
		args []string
		says string
	}{
		{[]string{"5"}, `what is "5"?`},
		{[]string{"-for=NaN"}, "invalid value"},
		{[]string{"-csv="}, "is empty"},
		{[]string{"-plot="}, "is empty"},
		{[]string{"-csv=a", "-plot=./a"}, "the same file"},
		{[]string{"-csv=a", "-plot=" + filepath.Join(here, "a")}, "the same file"},
		{[]string{"-csv=" + there, "-plot=" + link}, "the same file"},
	} {
		_, err := parse(test.args)
		assert.ErrorContains(t, err, test.says, test.args)
	}
}

func TestFlagsOfTheService(t *testing.T) {
	share, longest, err := parseService([]string{"-faults=0.5", "-longest=3s"})
	require.NoError(t, err)
	assert.Equal(t, 0.5, share)
	assert.Equal(t, 3*time.Second, longest)
	for _, args := range [][]string{{"x"}, {"-faults=2"}, {"-faults=NaN"}, {"-longest=1ns"}, {"-none"}} {
		_, _, err := parseService(args)
		assert.Error(t, err, args)
	}
}

func TestExitStatus(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	for _, test := range []struct {
		code int
		args []string
	}{
		{0, []string{"-help"}}, {0, []string{"serve", "-help"}}, {0, []string{"serve"}}, // its input has ended
		{2, []string{"-for=0"}}, {2, []string{"-none"}}, {2, []string{"x"}}, {2, []string{"serve", "x"}},
		{1, []string{"-csv=/none/a"}},
	} {
		command := exec.Command(self, test.args...)
		command.Env = append(os.Environ(), "MAIN=1")
		out, err := command.CombinedOutput()
		exit, _ := errors.AsType[*exec.ExitError](err)
		if test.code == 0 {
			assert.NoError(t, err, "%v: %s", test.args, out)
		} else if assert.NotNil(t, exit, test.args) {
			assert.Equal(t, test.code, exit.ExitCode(), "%v: %s", test.args, out)
		}
	}
}
