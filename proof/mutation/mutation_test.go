package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryBreakCanBeMadeExactlyOnce(t *testing.T) {
	root, err := moduleRoot(t.Context())
	require.NoError(t, err)
	mutations, err := parse(list)
	require.NoError(t, err)
	require.NotEmpty(t, mutations)
	titles := map[string]bool{}
	for _, m := range mutations {
		require.False(t, titles[m.title], "%s: twice", m.title)
		titles[m.title] = true
		text, err := os.ReadFile(filepath.Join(root, m.file))
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(text), m.old), "%s: %s", m.file, m.title)
		require.NotEqual(t, m.old, m.new, m.title)
	}
}

func TestAMutationIsMadeInACopyOnly(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	for _, dir := range []string{".git", "nested"} {
		require.NoError(t, os.Mkdir(filepath.Join(from, dir), 0o700))
	}
	for name, text := range map[string]string{"a.go": "one two two", ".git/HEAD": "ref", "nested/go.mod": "module nested"} {
		require.NoError(t, os.WriteFile(filepath.Join(from, name), []byte(text), 0o600))
	}
	require.NoError(t, copyModule(from, to))
	require.NoFileExists(t, filepath.Join(to, ".git/HEAD"))
	require.NoFileExists(t, filepath.Join(to, "nested/go.mod"))

	m := mutation{file: "a.go", old: "one", new: "1"}
	require.NoError(t, m.apply(to))
	for dir, want := range map[string]string{from: "one two two", to: "1 two two"} {
		text, err := os.ReadFile(filepath.Join(dir, "a.go"))
		require.NoError(t, err)
		require.Equal(t, want, string(text))
	}
	for _, old := range []string{"two", "three"} {
		m := mutation{file: "a.go", old: old, new: "2"}
		require.ErrorContains(t, m.apply(to), "not once")
	}
}

func TestAListThatMakesNoSenseIsRefused(t *testing.T) {
	for _, list := range []string{"a.go: nothing", "a.go: the same\n-x\n+x", "-x\n+y", "no file\n-x\n+y", "a.go: one\nb.go: two\n-x\n+y"} {
		_, err := parse(list)
		require.Error(t, err, list)
	}
	got, err := parse("# about\n\na.go: title: more\n-old\n-er\n+new\nsurvives: never mind\n\n")
	require.NoError(t, err)
	require.Equal(t, []mutation{{title: "title: more", file: "a.go", old: "old\ner", new: "new", survives: "never mind"}}, got)
}
