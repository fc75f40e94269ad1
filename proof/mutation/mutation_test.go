package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMutationsEachAppliesToTheSource(t *testing.T) {
	root, err := repository()
	require.NoError(t, err)
	mutations, err := parse(list)
	require.NoError(t, err)
	require.NotEmpty(t, mutations)
	titles := map[string]bool{}
	for _, m := range mutations {
		require.False(t, titles[m.title], "%s: twice", m.title)
		titles[m.title] = true
		_, err := m.apply(root)
		assert.NoError(t, err, m.title)
	}
}

func TestOverlay(t *testing.T) {
	root, scratch := t.TempDir(), t.TempDir()
	source := filepath.Join(root, "a.go")
	require.NoError(t, os.WriteFile(source, []byte("one two two"), 0o600))
	m := mutation{file: "a.go", old: "one", new: "1"}
	name, err := m.overlay(root, scratch)
	require.NoError(t, err)
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	var overlay struct{ Replace map[string]string }
	require.NoError(t, json.Unmarshal(text, &overlay))
	require.Len(t, overlay.Replace, 1)
	for file, want := range map[string]string{source: "one two two", overlay.Replace[source]: "1 two two"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, want, string(text))
	}
	for _, old := range []string{"two", "three"} {
		m := mutation{file: "a.go", old: old, new: "2"}
		_, err := m.overlay(root, scratch)
		require.ErrorContains(t, err, "not once")
	}
}

func TestParseRefusesAnInvalidList(t *testing.T) {
	for _, list := range []string{"a.go: nothing", "a.go: the same\n-x\n+x", "-x\n+y", "no file\n-x\n+y", "a.go: one\nb.go: two\n-x\n+y"} {
		_, err := parse(list)
		require.Error(t, err, list)
	}
	got, err := parse("# about\n\na.go: title: more\n-old\n-er\n+new\nsurvives: never mind\n\n")
	require.NoError(t, err)
	require.Equal(t, []mutation{{title: "title: more", file: "a.go", old: "old\ner", new: "new", survives: "never mind"}}, got)
}
