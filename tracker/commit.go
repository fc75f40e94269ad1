package tracker

import (
	"fmt"
	"sync"
)

// commits gives records to a Journal: all that have come meanwhile in one Commit. A nil *commits
// has no Journal, and nothing to do.
type commits struct {
	journal Journal
	turn    chan struct{} // holds a token during a Commit; a Mutex would stop a bubble's time

	mu         sync.Mutex // guards the rest
	queue      []Record
	committing int // records that a Commit has been given
	more       chan struct{}
}

func newCommits(j Journal) *commits {
	return &commits{journal: j, turn: make(chan struct{}, 1), more: make(chan struct{}, 1)}
}

// enough is how many records wait at most before deliveries do.
const enough = 1000

// add queues the record of a job; nil does nothing. The order of records is that of these calls.
func (c *commits) add(j *job, data []byte) {
	if c == nil || data == nil {
		return
	}
	c.put(Record{key(j.State.Job.ID), data})
}

// remove queues the removal of a job's record.
func (c *commits) remove(j *job) {
	if c != nil {
		c.put(Record{Key: key(j.seen().Job.ID)})
	}
}

func (c *commits) put(r Record) {
	c.mu.Lock()
	c.queue = append(c.queue, r)
	c.mu.Unlock()
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// flush returns when all that was queued before is committed. What could not be is kept.
func (c *commits) flush() error {
	if c == nil {
		return nil
	}
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	c.mu.Lock()
	batch := c.queue
	c.queue, c.committing = nil, len(batch)
	c.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	committed := false
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.committing = 0
		if !committed { // also when the journal panics
			c.queue = latest(append(batch, c.queue...))
		}
	}()
	err := c.journal.Commit(batch)
	committed = err == nil
	return err
}

// latest returns the last record of each key: a journal that fails for long must not fill the
// memory.
func latest(records []Record) []Record {
	last := make(map[string]int, len(records))
	for i, r := range records {
		last[r.Key] = i
	}
	kept := records[:0]
	for i, r := range records {
		if last[r.Key] == i {
			kept = append(kept, r)
		}
	}
	return kept
}

// makeRoom returns when there are not too many records to commit.
func (c *commits) makeRoom(fail func(error)) {
	if queued, _ := c.uncommitted(); queued >= enough {
		c.commit(fail)
	}
}

// run commits what comes, until left is closed, and then what is left.
func (c *commits) run(left <-chan struct{}, fail func(error)) {
	if c == nil {
		return
	}
	c.commit(fail) // what an earlier Run has left
	for {
		select {
		case <-c.more:
			c.commit(fail)
		case <-left:
			c.commit(fail)
			return
		}
	}
}

func (c *commits) commit(fail func(error)) {
	if err := c.flush(); err != nil {
		fail(fmt.Errorf("the journal: %w. What it lacks is kept: fix that, then call Run again", err))
	}
}

func (c *commits) uncommitted() (queued, committing int) {
	if c == nil {
		return 0, 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queue), c.committing
}
