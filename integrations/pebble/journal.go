// Package pebble keeps a tracker's journal in a directory, with Pebble, CockroachDB's storage
// engine:
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
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/sfsturbo/waiter/tracker"
)

// Journal is a [tracker.Journal] in a directory. [Open] opens it. Commit and Load must not run at
// the same time as Close; after it they return an error.
//
// An error of Commit means that the disk is full, or that the directory could not be written for
// another reason. Pebble cannot go on after that, and neither can the Journal: each later Commit
// returns the same error. Fix the cause, then restart the process, which goes on from what was
// committed.
type Journal struct {
	dir    string
	db     *pebble.DB
	down   *downfall
	closed atomic.Bool
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
// damaged, the disk is full. What is refused is left as it is.
func Open(dir string) (*Journal, error) { return open(dir, vfs.Default) }

func open(dir string, fs vfs.FS) (*Journal, error) {
	exists, err := usable(dir, fs)
	if err == nil && exists {
		_, err = opened(dir, fs, true) // changes nothing
	}
	var j *Journal
	if err == nil {
		j, err = opened(dir, fs, false)
	}
	if err != nil {
		return nil, fmt.Errorf("pebble: %s: %w", dir, explained(err))
	}
	return j, nil
}

// opened opens a journal, or only looks whether it can be opened.
func opened(dir string, fs vfs.FS, look bool) (*Journal, error) {
	j := &Journal{dir: dir, down: newDownfall()}
	err := j.down.guard(func() (err error) {
		if j.db, err = pebble.Open(dir, options(fs, j.down, look)); err != nil {
			return err
		}
		isNew, err := checkVersion(j.db)
		if err == nil && isNew && !look {
			err = j.db.Set([]byte(versionKey), []byte(version), pebble.Sync)
		}
		if err != nil || look {
			err = errors.Join(err, j.db.Close())
		}
		return err
	})
	return j, err
}

// options are sized for a million records of a kilobyte: see the README for what they take.
func options(fs vfs.FS, down *downfall, look bool) *pebble.Options {
	return &pebble.Options{
		FS: fs, Logger: down, ReadOnly: look,
		EventListener:      &pebble.EventListener{BackgroundError: down.fail}, // Pebble would try again for ever
		FormatMajorVersion: pebble.FormatValueSeparation,                      // older programs cannot read a newer one
		MemTableSize:       16 << 20,
	}
}

// checkVersion compares the version of a database. An empty one has none.
func checkVersion(db *pebble.DB) (isNew bool, err error) {
	stored, closer, err := db.Get([]byte(versionKey))
	switch {
	case err == nil:
		defer func() { _ = closer.Close() }()
		if string(stored) != version {
			return false, fmt.Errorf("its version is %q, and this program reads %q: use the program that wrote it", stored, version)
		}
		return false, nil
	case !errors.Is(err, pebble.ErrNotFound):
		return false, err
	}
	i, err := db.NewIter(nil)
	if err != nil {
		return false, err
	}
	foreign := i.First()
	if err := errors.Join(i.Error(), i.Close()); err != nil {
		return false, err
	}
	if foreign {
		return false, errors.New("it is a Pebble database of another program: use another directory")
	}
	return true, nil
}

// Commit implements [tracker.Journal]: one batch, with fsync.
func (j *Journal) Commit(records []tracker.Record) error {
	err := j.guard(func() error {
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
			err := j.guard(func() (err error) {
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

var errClosed = errors.New("it is closed")

func (j *Journal) guard(f func() error) error {
	if j.closed.Load() {
		return errClosed
	}
	return j.down.guard(f)
}

// Close closes the journal, so that another process can open it. After an error of Commit it does
// nothing but return that error: the end of the process closes it.
func (j *Journal) Close() error {
	err := errClosed
	if !j.closed.Swap(true) {
		err = j.down.guard(j.db.Close)
	}
	if err != nil {
		return fmt.Errorf("pebble: %s: %w", j.dir, explained(err))
	}
	return nil
}
