// Package pebble keeps a tracker's journal in a directory, with Pebble, CockroachDB's storage engine:
//
//	journal, err := pebble.Open("/var/lib/provisioner/jobs")
//	...
//	defer journal.Close() // after Run has returned
//	t, err := tracker.New(w, tracker.WithJournal(journal))
package pebble

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/sfsturbo/waiter/tracker"
)

// Journal is a [tracker.Journal] in a directory. [Open] opens it. Commit and Load must not run at
// the same time as Close.
//
// An error of Commit means that the disk is full, or that the directory could not be written for
// another reason. Pebble cannot go on after that, and neither can the Journal: each later Commit
// returns the same error. Fix the cause, then restart the process, which goes on from what was
// committed.
type Journal struct {
	dir  string
	db   *pebble.DB
	down *downfall
}

// Keys of records begin with a letter, so that they differ from the version's.
const (
	versionKey = "version"
	version    = "sfsturbo/waiter journal 1"
	recordKey  = "r" // and the record's Key
	afterLast  = "s"
)

// Open opens the journal in dir, and makes it if dir does not exist or is empty. The error says
// what to do: another process has it open, it is of another version or of another program, it is
// damaged, the disk is full.
func Open(dir string) (*Journal, error) { return open(dir, vfs.Default) }

func open(dir string, fs vfs.FS) (*Journal, error) {
	if err := usable(dir, fs); err != nil {
		return nil, fmt.Errorf("pebble: %s: %w", dir, err)
	}
	j := &Journal{dir: dir, down: newDownfall()}
	var db *pebble.DB
	err := j.down.guard(func() (err error) {
		if db, err = pebble.Open(dir, options(fs, j.down)); err != nil {
			return err
		}
		return own(db)
	})
	if err != nil {
		if db != nil {
			_ = j.down.guard(db.Close)
		}
		return nil, fmt.Errorf("pebble: %s: %w", dir, explained(err))
	}
	j.db = db
	return j, nil
}

// options are sized for a million records of a kilobyte: see the README for what they take.
func options(fs vfs.FS, down *downfall) *pebble.Options {
	return &pebble.Options{
		FS: fs, Logger: down, LoggerAndTracer: nil,
		FormatMajorVersion: pebble.FormatValueSeparation, // a newer one is a decision: older programs cannot read it
		MemTableSize:       16 << 20,
	}
}

// own writes the version into a new database, and compares that of one that is not.
func own(db *pebble.DB) error {
	stored, closer, err := db.Get([]byte(versionKey))
	switch {
	case err == nil:
		defer func() { _ = closer.Close() }()
		if string(stored) != version {
			return fmt.Errorf("its version is %q, and this program reads %q: use the program that wrote it", stored, version)
		}
		return nil
	case !errors.Is(err, pebble.ErrNotFound):
		return err
	}
	i, err := db.NewIter(nil)
	if err != nil {
		return err
	}
	foreign := i.First()
	if err := errors.Join(i.Error(), i.Close()); err != nil {
		return err
	}
	if foreign {
		return errors.New("it is a Pebble database of another program: use another directory")
	}
	return db.Set([]byte(versionKey), []byte(version), pebble.Sync)
}

// Commit implements [tracker.Journal]: one batch, with fsync.
func (j *Journal) Commit(records []tracker.Record) error {
	err := j.down.guard(func() error {
		b := j.db.NewBatch()
		defer func() { _ = b.Close() }()
		for _, r := range records {
			key := []byte(recordKey + r.Key)
			if r.Data == nil {
				if err := b.Delete(key, nil); err != nil {
					return err
				}
				continue
			}
			if err := b.Set(key, r.Data, nil); err != nil {
				return err
			}
		}
		return b.Commit(pebble.Sync)
	})
	if err != nil {
		return fmt.Errorf("pebble: %s: %w", j.dir, explained(err))
	}
	return nil
}

// atOnce is how many records are read before they are yielded.
const atOnce = 1000

// Load implements [tracker.Journal].
func (j *Journal) Load() iter.Seq2[tracker.Record, error] {
	return func(yield func(tracker.Record, error) bool) {
		from := []byte(recordKey)
		for from != nil {
			var records []tracker.Record
			err := j.down.guard(func() (err error) {
				records, from, err = j.read(from)
				return err
			})
			for _, r := range records {
				if !yield(r, nil) {
					return
				}
			}
			if err != nil {
				yield(tracker.Record{}, fmt.Errorf("pebble: %s: %w", j.dir, explained(err)))
				return
			}
		}
	}
}

// read returns records from this key on, and the key to go on from; nil at the end.
func (j *Journal) read(from []byte) (records []tracker.Record, next []byte, err error) {
	i, err := j.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: []byte(afterLast)})
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, i.Close()) }()
	for i.First(); i.Valid(); i.Next() {
		if len(records) == atOnce {
			return records, slices.Clone(i.Key()), nil
		}
		data, err := i.ValueAndErr()
		if err != nil {
			return records, nil, err
		}
		records = append(records, tracker.Record{Key: string(i.Key()[len(recordKey):]), Data: append([]byte{}, data...)})
	}
	return records, nil, i.Error()
}

// Close closes the journal, so that another process can open it. After an error of Commit it does
// nothing but return that error: the end of the process closes it.
func (j *Journal) Close() error {
	if err := j.down.guard(j.db.Close); err != nil {
		return fmt.Errorf("pebble: %s: %w", j.dir, explained(err))
	}
	return nil
}
