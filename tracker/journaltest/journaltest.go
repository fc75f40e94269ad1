// Package journaltest has the tests that every [tracker.Journal] must pass, and a journal in
// memory.
package journaltest

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"

	"github.com/sfsturbo/waiter/tracker"
)

// Run tests a kind of journal. open opens the one in the directory dir: a new one, or one that Run
// has opened before and closed since, if it is an io.Closer. A journal that lives elsewhere takes
// dir as its name.
func Run(t *testing.T, open func(t *testing.T, dir string) tracker.Journal) {
	s := &suite{open: open}
	for _, test := range []struct {
		behavior string
		test     func(*testing.T, *store)
	}{
		{"a new journal is empty", func(t *testing.T, s *store) { s.holds(t, nil) }},
		{"what is committed is there after a restart", committed},
		{"of one key the last record counts", last},
		{"a record without data removes", removes},
		{"a commit may be empty", func(t *testing.T, s *store) { s.commit(t); s.holds(t, nil) }},
		{"keys and data may be anything", anything},
		{"a commit may have a hundred thousand records", many},
		{"neither the records nor their data are kept", keepsNothing},
		{"Load may be stopped", stopped},
	} {
		t.Run(test.behavior, func(t *testing.T) {
			dir := t.TempDir()
			st := &store{suite: s, dir: dir, Journal: open(t, dir)}
			t.Cleanup(func() { st.close(t) })
			test.test(t, st)
		})
	}
}

type suite struct {
	open func(t *testing.T, dir string) tracker.Journal
}

// A store is a journal that can be opened again.
type store struct {
	*suite
	tracker.Journal
	dir string
}

func (s *store) close(t *testing.T) {
	t.Helper()
	c, ok := s.Journal.(io.Closer)
	if !ok {
		return
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func (s *store) commit(t *testing.T, records ...tracker.Record) {
	t.Helper()
	if err := s.Commit(records); err != nil {
		t.Fatalf("Commit: %v", err)
	}
}

// holds compares what the journal holds after a restart.
func (s *store) holds(t *testing.T, want map[string]string) {
	t.Helper()
	s.close(t)
	s.Journal = s.open(t, s.dir)
	got := map[string]string{}
	for r, err := range s.Load() {
		if err != nil {
			t.Fatalf("Load: %v", err)
		}
		if _, again := got[r.Key]; again {
			t.Errorf("Load yields %.50q twice", r.Key)
		}
		got[r.Key] = string(r.Data)
	}
	if !maps.Equal(got, want) {
		t.Errorf("the journal holds %d records, want these %d: %.200q, want %.200q", len(got), len(want), fmt.Sprint(got), fmt.Sprint(want))
	}
}

func record(key, data string) tracker.Record { return tracker.Record{Key: key, Data: []byte(data)} }

func committed(t *testing.T, s *store) {
	s.commit(t, record("a", "1"))
	s.commit(t, record("b", "2"), record("c", "3"))
	s.holds(t, map[string]string{"a": "1", "b": "2", "c": "3"})
	s.commit(t, record("d", "4"))
	s.holds(t, map[string]string{"a": "1", "b": "2", "c": "3", "d": "4"})
}

func last(t *testing.T, s *store) {
	s.commit(t, record("a", "1"), record("b", "1"), record("a", "2"))
	s.commit(t, record("b", "2"))
	s.holds(t, map[string]string{"a": "2", "b": "2"})
}

func removes(t *testing.T, s *store) {
	gone := tracker.Record{Key: "a"}
	s.commit(t, record("a", "1"), record("b", "1"))
	s.commit(t, gone, tracker.Record{Key: "never there"})
	s.holds(t, map[string]string{"b": "1"})
	s.commit(t, record("a", "2"), gone)
	s.holds(t, map[string]string{"b": "1"})
	s.commit(t, gone, record("a", "3"))
	s.holds(t, map[string]string{"a": "3", "b": "1"})
}

func anything(t *testing.T, s *store) {
	want := map[string]string{
		"a":                        "\x00\xff",
		"a\x00":                    "another key",
		"ä/..\\*?":                 strings.Repeat("1 MB", 1<<18),
		strings.Repeat("long", 64): "256 bytes",
		"\xff\xff":                 "the last one",
		"nothing":                  "",
	}
	for key, data := range want {
		s.commit(t, record(key, data))
	}
	s.holds(t, want)
}

func many(t *testing.T, s *store) {
	want := map[string]string{}
	var records []tracker.Record
	for i := range 100_000 {
		key, data := fmt.Sprint("job-", i), strings.Repeat(fmt.Sprint(i, " "), 20)
		want[key] = data
		records = append(records, record(key, data))
	}
	s.commit(t, records...)
	s.holds(t, want)
	for i := range records {
		records[i].Data = nil
	}
	s.commit(t, records[1:]...)
	s.holds(t, map[string]string{"job-0": want["job-0"]})
}

func keepsNothing(t *testing.T, s *store) {
	records := []tracker.Record{record("a", "1"), record("b", "2")}
	before := bytes.Clone(records[0].Data)
	s.commit(t, records...)
	if !bytes.Equal(before, records[0].Data) || records[0].Key != "a" {
		t.Error("Commit has changed a record")
	}
	records[0].Data[0], records[1].Data[0] = 'x', 'y'
	records[0], records[1] = record("x", "x"), record("y", "y")
	s.holds(t, map[string]string{"a": "1", "b": "2"})
	for r := range s.Load() {
		if len(r.Data) > 0 {
			r.Data[0] = 'z' // the receiver's own
		}
	}
	s.holds(t, map[string]string{"a": "1", "b": "2"})
}

func stopped(t *testing.T, s *store) {
	s.commit(t, record("a", "1"), record("b", "2"))
	s.holds(t, map[string]string{"a": "1", "b": "2"})
	for range s.Load() {
		break
	}
	s.commit(t, record("c", "3"))
	s.holds(t, map[string]string{"a": "1", "b": "2", "c": "3"})
}
