package tracker

import "iter"

// A Journal stores what a [Tracker] must not lose: which jobs it tracks, and what of each was
// delivered. A database or a file can be one; integrations/pebble has one, and tracker/journaltest
// the tests that each must pass.
//
// A Journal belongs to one Tracker at a time. The Tracker calls Load once, first, and never two
// methods at the same time. The caller that opened the Journal closes it, after Run has returned.
type Journal interface {
	// Load yields every record that is stored, once, in any order. An error ends it: the records
	// before it are then not all.
	Load() iter.Seq2[Record, error]

	// Commit stores the records, all of them or none. Of those with the same Key the last one
	// counts. When it returns nil, they survive the end of the process and of the machine. After
	// an error, the Tracker commits the same records again, perhaps with others. Commit must not
	// keep records, nor change what is in them.
	Commit(records []Record) error
}

// A Record is what is stored of one job. It replaces the one with the same Key.
type Record struct {
	Key  string // the job's id, in lower case and without dashes; not empty
	Data []byte // opaque, about 1 KB, with a version of its own; nil removes the record
}
