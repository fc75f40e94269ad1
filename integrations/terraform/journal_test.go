package terraform_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/integrations/terraform"
)

func TestJournal(t *testing.T) {
	t.Run("is below Terraform's data unless a folder is given", func(t *testing.T) {
		t.Chdir(t.TempDir())
		t.Setenv("TF_DATA_DIR", "")
		_, err := terraform.OpenJournal("")
		require.NoError(t, err)
		require.DirExists(t, filepath.Join(".terraform", "sfsturbo-jobs"))
		t.Setenv("TF_DATA_DIR", "data")
		_, err = terraform.OpenJournal("")
		require.NoError(t, err)
		require.DirExists(t, filepath.Join("data", "sfsturbo-jobs"))
	})
	t.Run("cannot be a file", func(t *testing.T) {
		name := filepath.Join(t.TempDir(), "file")
		require.NoError(t, os.WriteFile(name, nil, 0o600))
		_, err := terraform.OpenJournal(name)
		require.ErrorContains(t, err, "journal of jobs")
	})
	test(t, "lets one process change an object at a time", func(t *testing.T, w *world) {
		w.server.Script("bind_ldap", lasting(time.Minute, succeeds))
		w.holds.Store(true)
		first, runner := w.change("a"), w.runner
		first.Submit = func(ctx context.Context, _ terraform.Attempt) (string, error) { return w.submit(ctx) }
		ended := make(chan terraform.Result)
		go func() {
			result, _ := runner.Run(t.Context(), first)
			ended <- result
		}()
		time.Sleep(10 * time.Second)
		w.restart()
		w.private = private{}
		second := w.change("a")
		second.Timeout = time.Second
		result, diags := w.run(t.Context(), second)
		require.Equal(t, terraform.NotStarted, result.End)
		require.Contains(t, text(diags), "another process is changing a-share/ldap")

		second.Timeout = time.Hour
		result, diags = w.run(t.Context(), second)
		require.Empty(t, text(diags))
		require.Equal(t, terraform.Done, result.End)
		require.Equal(t, terraform.Done, (<-ended).End)
		require.Len(t, w.jobs(), 1)
	})
	test(t, "takes what it cannot read for nothing", func(t *testing.T, w *world) {
		_, _ = w.run(interrupted(t, time.Second), w.change("a"))
		names, err := filepath.Glob(filepath.Join(w.folder, "*.json"))
		require.NoError(t, err)
		for _, text := range []string{"", "{", `{"version":2}`} {
			require.NoError(t, os.WriteFile(names[0], []byte(text), 0o600))
			w.killed()
			result, _ := w.run(t.Context(), w.change("a"))
			require.Equal(t, terraform.Done, result.End)
			require.Equal(t, terraform.None, w.befores[len(w.befores)-1])
		}
	})
	test(t, "is not needed", func(t *testing.T, w *world) {
		w.runner.Journal = nil
		result, _ := w.run(interrupted(t, 500*time.Millisecond), w.change("a"))
		require.Equal(t, terraform.Unfinished, result.End)
		result, diags := w.run(t.Context(), w.change("a"))
		require.Empty(t, text(diags))
		require.Equal(t, terraform.Done, result.End)
		require.Len(t, w.jobs(), 1)
	})
	test(t, "holds no secret and only its owner can read it", func(t *testing.T, w *world) {
		_, _ = w.run(t.Context(), w.change("a"))
		require.False(t, strings.Contains(w.journal(), password) || strings.Contains(w.journal(), token))
		info, err := os.Stat(w.folder)
		require.NoError(t, err)
		require.True(t, info.IsDir())
		names, _ := filepath.Glob(filepath.Join(w.folder, "*.json"))
		info, err = os.Stat(names[0])
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, info.Mode())
	})
}
