package pebble

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/tracker"
	"github.com/sfsturbo/waiter/tracker/journaltest"
)

// TestMain is also the main function of the processes that these tests start.
func TestMain(m *testing.M) {
	if dir := os.Getenv("HOLD_JOURNAL"); dir != "" {
		hold(dir)
	}
	if dir := os.Getenv("COMMIT_JOURNAL"); dir != "" {
		commitForever(dir)
	}
	if stored := os.Getenv("LIFE"); stored != "" {
		live(stored)
	}
	os.Exit(m.Run())
}

// hold keeps a journal open until its standard input ends.
func hold(dir string) {
	if _, err := Open(dir); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("open")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	os.Exit(0)
}

func opening(t *testing.T, dir string) *Journal {
	t.Helper()
	j, err := Open(dir)
	require.NoError(t, err)
	return j
}

func TestJournal(t *testing.T) {
	journaltest.Run(t, func(t *testing.T, dir string) tracker.Journal { return opening(t, dir) })
}

func stored(t *testing.T, j *Journal) map[string]string {
	t.Helper()
	all := map[string]string{}
	for r, err := range j.Load() {
		require.NoError(t, err)
		all[r.Key] = string(r.Data)
	}
	return all
}

func record(key, data string) tracker.Record { return tracker.Record{Key: key, Data: []byte(data)} }

func TestOpen(t *testing.T) {
	refused := func(t *testing.T, dir, why string) {
		t.Helper()
		_, err := Open(dir)
		require.ErrorContains(t, err, "pebble: "+dir+": ")
		require.ErrorContains(t, err, why)
		require.NotContains(t, err.Error(), "\n")
	}

	t.Run("makes a directory that does not exist", func(t *testing.T) {
		require.NoError(t, opening(t, filepath.Join(t.TempDir(), "a", "b")).Close())
	})

	t.Run("refuses a journal that this process has open", func(t *testing.T) {
		dir := t.TempDir()
		j := opening(t, dir)
		refused(t, dir, "another Journal has it open, in this process or another one: close that first")
		require.NoError(t, j.Close())
		require.NoError(t, opening(t, dir).Close())
	})

	t.Run("refuses a journal that another process has open", func(t *testing.T) {
		dir := t.TempDir()
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "HOLD_JOURNAL="+dir)
		in, err := child.StdinPipe()
		require.NoError(t, err)
		out, err := child.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		line, err := bufio.NewReader(out).ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "open\n", line)
		refused(t, dir, "another Journal has it open")
		require.NoError(t, in.Close())
		require.NoError(t, child.Wait())
		require.NoError(t, opening(t, dir).Close(), "the end of a process is enough")
	})

	t.Run("refuses another version", func(t *testing.T) {
		dir := t.TempDir()
		j := opening(t, dir)
		require.NoError(t, j.db.Set([]byte(versionKey), []byte("sfsturbo/waiter journal 2"), pebble.Sync))
		require.NoError(t, j.Close())
		refused(t, dir, `its version is "sfsturbo/waiter journal 2", and this program reads "sfsturbo/waiter journal 1": use the program that wrote it`)
	})

	t.Run("refuses another version of Pebble's", func(t *testing.T) {
		dir := t.TempDir()
		require.NoError(t, opening(t, dir).Close())
		markers, err := filepath.Glob(filepath.Join(dir, "marker.format-version.*"))
		require.NoError(t, err)
		require.NotEmpty(t, markers)
		newest := markers[len(markers)-1]
		at := strings.LastIndexByte(newest, '.')
		require.NoError(t, os.Rename(newest, newest[:at]+".999"))
		refused(t, dir, "it was written by another version")
	})

	t.Run("refuses a database of another program", func(t *testing.T) {
		dir := t.TempDir()
		db, err := pebble.Open(dir, &pebble.Options{Logger: newDownfall()})
		require.NoError(t, err)
		require.NoError(t, db.Set([]byte("their"), []byte("own"), pebble.Sync))
		require.NoError(t, db.Close())
		before := files(t, dir, "*")
		refused(t, dir, "it is a Pebble database of another program: use another directory")
		require.Equal(t, before, files(t, dir, "*"), "it is left as it is")
	})

	t.Run("refuses a directory with other files, a file and no name", func(t *testing.T) {
		dir := t.TempDir()
		file := filepath.Join(dir, "photo.jpg")
		require.NoError(t, os.WriteFile(file, []byte("x"), 0o600))
		refused(t, dir, `it holds other files, such as "photo.jpg": give a directory that is empty, or does not exist`)
		refused(t, file, "it is a file: give a directory")
		refused(t, "", "the directory's name is empty")
	})

	for what, pattern := range map[string]string{"manifest": "MANIFEST-*", "table": "*.sst"} {
		t.Run("refuses a journal with a damaged "+what, func(t *testing.T) {
			dir := filled(t)
			for _, name := range files(t, dir, pattern) {
				damage(t, name)
			}
			_, err := loaded(dir)
			require.ErrorContains(t, err, "it is damaged: ")
			require.ErrorContains(t, err, "Restore a copy, or move it away and track the jobs again")
			require.NotContains(t, err.Error(), "\n")
		})

		t.Run("refuses a journal without its "+what, func(t *testing.T) {
			dir := filled(t)
			for _, name := range files(t, dir, pattern) {
				require.NoError(t, os.Remove(name))
			}
			_, err := loaded(dir)
			require.ErrorContains(t, err, "it is damaged: ")
			require.NotContains(t, err.Error(), "\n")
		})
	}

	t.Run("refuses a journal without its markers, and leaves the rest as it is", func(t *testing.T) {
		dir := filled(t)
		for _, name := range files(t, dir, "marker.manifest.*") {
			require.NoError(t, os.Remove(name))
		}
		before := files(t, dir, "*")
		refused(t, dir, "it is damaged: files of it are missing")
		require.Equal(t, before, files(t, dir, "*"))
	})

	t.Run("reads what was committed of a journal whose last write was torn", func(t *testing.T) {
		dir := t.TempDir()
		j := opening(t, dir)
		require.NoError(t, j.Commit([]tracker.Record{record("a", "1")}))
		copied := t.TempDir() // as a crash leaves it: without Close
		require.NoError(t, os.CopyFS(filepath.Join(copied, "j"), os.DirFS(dir)))
		require.NoError(t, j.Close())
		logs, err := filepath.Glob(filepath.Join(copied, "j", "*.log"))
		require.NoError(t, err)
		require.Len(t, logs, 1)
		file, err := os.OpenFile(logs[0], os.O_APPEND|os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = file.WriteString("\x01\x02\x03 half a write")
		require.NoError(t, err)
		require.NoError(t, file.Close())
		again := opening(t, filepath.Join(copied, "j"))
		require.Equal(t, map[string]string{"a": "1"}, stored(t, again))
		require.NoError(t, again.Close())
	})
}

// filled makes a journal with a table.
func filled(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	j := opening(t, dir)
	for i := range 2000 {
		require.NoError(t, j.Commit([]tracker.Record{record(fmt.Sprint(i), fmt.Sprint(i, " data"))}))
	}
	require.NoError(t, j.db.Flush())
	require.NoError(t, j.Close())
	return dir
}

func files(t *testing.T, dir, pattern string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, pattern))
	require.NoError(t, err)
	return list
}

// loaded opens and reads a journal.
func loaded(dir string) (n int, err error) {
	j, err := Open(dir)
	if err != nil {
		return 0, err
	}
	for _, err := range j.Load() {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, j.Close()
}

func TestClose(t *testing.T) {
	j := opening(t, t.TempDir())
	require.NoError(t, j.Close())
	require.ErrorContains(t, j.Close(), "it is closed")
	require.ErrorContains(t, j.Commit([]tracker.Record{record("a", "1")}), "it is closed")
	for _, err := range j.Load() {
		require.ErrorContains(t, err, "it is closed")
	}
}

// damage overwrites the middle of a file.
func damage(t *testing.T, name string) {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	for i := len(data) / 4; i < len(data)*3/4; i++ {
		data[i] ^= 0xff
	}
	require.NoError(t, os.WriteFile(name, data, 0o600))
}

func TestAFullDisk(t *testing.T) {
	t.Run("is an error too where only tables cannot be written", func(t *testing.T) {
		dir := t.TempDir()
		disk := errorfs.Wrap(vfs.Default, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && strings.HasSuffix(op.Path, ".sst") {
				return &os.PathError{Op: "write", Path: op.Path, Err: syscall.ENOSPC}
			}
			return nil
		}))
		j, err := open(dir, disk)
		require.NoError(t, err)
		for n := 0; err == nil && n < 1000; n++ {
			err = j.Commit([]tracker.Record{record(fmt.Sprint(n), strings.Repeat("x", 1<<20))})
		}
		require.ErrorIs(t, err, syscall.ENOSPC)
	})

	for _, when := range []string{"a commit", "opening"} {
		t.Run("is the error of "+when+", and not the process's end", func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, opening(t, dir).Close())
			var full atomic.Bool
			disk := errorfs.Wrap(vfs.Default, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if full.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
					return &os.PathError{Op: "write", Path: op.Path, Err: syscall.ENOSPC}
				}
				return nil
			}))
			full.Store(when == "opening")
			j, err := open(dir, disk)
			if when == "a commit" {
				require.NoError(t, err)
				require.NoError(t, j.Commit([]tracker.Record{record("a", "1")}))
				full.Store(true)
				err = j.Commit([]tracker.Record{record("b", "1")})
			}
			require.ErrorIs(t, err, syscall.ENOSPC)
			require.ErrorContains(t, err, "pebble: "+dir+": the disk is full: ")
			require.ErrorContains(t, err, "Make room, then restart the process")
			if when == "a commit" {
				full.Store(false)
				require.ErrorIs(t, j.Commit([]tracker.Record{record("c", "1")}), syscall.ENOSPC, "it cannot go on")
				for _, err := range j.Load() {
					require.ErrorIs(t, err, syscall.ENOSPC)
				}
				require.ErrorIs(t, j.Close(), syscall.ENOSPC)
			}
		})
	}
}
