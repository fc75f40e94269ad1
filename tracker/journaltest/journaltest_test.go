package journaltest_test

import (
	"errors"
	"iter"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/tracker"
	"github.com/sfsturbo/waiter/tracker/journaltest"
)

// inMemory opens a journal that lives in memory, under the name of its directory.
func inMemory(empty func() tracker.Journal) func(*testing.T, string) tracker.Journal {
	journals := map[string]tracker.Journal{}
	return func(_ *testing.T, dir string) tracker.Journal {
		if journals[dir] == nil {
			journals[dir] = empty()
		}
		return journals[dir]
	}
}

func TestMemory(t *testing.T) {
	journaltest.Run(t, inMemory(func() tracker.Journal { return new(journaltest.Memory) }))

	t.Run("fails when it is told to, and stores nothing then", func(t *testing.T) {
		var m journaltest.Memory
		full := errors.New("disk full")
		m.Fail(full)
		require.ErrorIs(t, m.Commit([]tracker.Record{{Key: "a", Data: []byte("1")}}), full)
		for range m.Load() {
			t.Error("it has stored a record")
		}
		m.Fail(nil)
		require.NoError(t, m.Commit([]tracker.Record{{Key: "a", Data: []byte("1")}}))
	})
}

// wrong are journals with a fault each, by the behavior that must find it.
var wrong = map[string]func() tracker.Journal{
	"a_new_journal_is_empty": func() tracker.Journal {
		m := new(journaltest.Memory)
		_ = m.Commit([]tracker.Record{{Key: "version", Data: []byte("1")}})
		return m
	},
	"what_is_committed_is_there_after_a_restart": func() tracker.Journal { return &faulty{first: true} },
	"of_one_key_the_last_record_counts":          func() tracker.Journal { return &faulty{reversed: true} },
	"a_record_without_data_removes":              func() tracker.Journal { return &faulty{kept: true} },
	"keys_and_data_may_be_anything":              func() tracker.Journal { return &faulty{empty: true} },
	"neither_the_records_nor_their_data_are_kept": func() tracker.Journal {
		return &sharing{records: map[string][]byte{}}
	},
}

type faulty struct {
	journaltest.Memory
	first, reversed, kept, empty bool
}

func (f *faulty) Commit(records []tracker.Record) error {
	records = slices.Clone(records)
	switch {
	case f.first:
		records = records[:min(1, len(records))]
	case f.reversed:
		slices.Reverse(records)
	case f.kept:
		records = slices.DeleteFunc(records, func(r tracker.Record) bool { return r.Data == nil })
	case f.empty:
		records = slices.DeleteFunc(records, func(r tracker.Record) bool { return len(r.Data) == 0 })
	}
	return f.Memory.Commit(records)
}

type sharing struct{ records map[string][]byte }

func (s *sharing) Load() iter.Seq2[tracker.Record, error] {
	return func(yield func(tracker.Record, error) bool) {
		for key, data := range s.records {
			if !yield(tracker.Record{Key: key, Data: data}, nil) {
				return
			}
		}
	}
}

func (s *sharing) Commit(records []tracker.Record) error {
	for _, r := range records {
		if s.records[r.Key] = r.Data; r.Data == nil {
			delete(s.records, r.Key)
		}
	}
	return nil
}

// The suite fails in a process of its own.
func TestWrongJournalsAreFound(t *testing.T) {
	if behavior := os.Getenv("WRONG_JOURNAL"); behavior != "" {
		journaltest.Run(t, inMemory(wrong[behavior]))
		return
	}
	for behavior := range wrong {
		child := exec.Command(os.Args[0], "-test.run=^TestWrongJournalsAreFound$")
		child.Env = append(os.Environ(), "WRONG_JOURNAL="+behavior)
		out, err := child.CombinedOutput()
		require.Error(t, err, "%s: not found", behavior)
		require.Contains(t, string(out), "--- FAIL: TestWrongJournalsAreFound/"+behavior)
	}
}
