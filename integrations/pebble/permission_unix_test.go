//go:build unix

package pebble

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Root may write everywhere: its tests open the directory as another user, from where that user may
// run them.
func TestOpenRefusesADirectoryThatThisUserMayNotWrite(t *testing.T) {
	folder, err := os.MkdirTemp("", "journal")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(folder) })
	require.NoError(t, os.Chmod(folder, 0o755))
	program, dir := filepath.Join(folder, "program"), filepath.Join(folder, "journal")
	itself, err := os.ReadFile(os.Args[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(program, itself, 0o755))
	require.NoError(t, os.Mkdir(dir, 0o555))
	covered := filepath.Join(folder, "covered") // where a program that was built to count coverage writes it
	require.NoError(t, os.Mkdir(covered, 0o700))

	child := exec.Command(program)
	child.Env = append(os.Environ(), "HOLD_JOURNAL="+dir, "GOCOVERDIR="+covered)
	if os.Geteuid() == 0 {
		const nobody = 65534
		require.NoError(t, os.Chown(covered, nobody, nobody))
		child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	out, err := child.CombinedOutput()
	if errors.Is(err, fs.ErrPermission) {
		t.Skip("another user may run nothing in the temporary folder; set TMPDIR to one where it may: ", err)
	}
	require.Error(t, err)
	require.Regexp(t, `^pebble: `+regexp.QuoteMeta(dir)+`: [^\n]*: give this user the right to write there\n$`, string(out))
}
