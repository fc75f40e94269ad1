package tracking

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
	"github.com/sfsturbo/waiter/tracker"
)

// A world is what survives a crash: the service, what the journal has stored, and the log.
type world struct {
	c     *Case
	begin time.Time
	byID  map[string]int

	mu      sync.Mutex
	rand    *rand.Rand
	stored  map[string][]byte
	served  float64 // tokens of Throttle
	last    time.Duration
	entries []Entry
}

// An Entry of the log is something that happened to a job.
type Entry struct {
	What       string        // "poll", "delivery", "commit", "track", "forget", "call" and "wait", "end", "crash", "run", "stop"
	From, To   time.Duration // when it began and ended
	Life       int
	Job        int // -1: none
	Status     int // of a poll: the HTTP status; 0: none
	Transition status.Transition
	Records    map[int]map[string]status.Status // of a commit: what it says was delivered; nil: removed
	Outcome    string                           // of a wait, or an end
	Deadline   time.Duration                    // of a wait; 0: none
}

// number returns which job has this id, however it is spelled.
func (w *world) number(id string) int {
	n, ok := w.byID[strings.ToLower(plain(id))]
	if !ok {
		panic("unknown: " + id)
	}
	return n
}

func (w *world) now() time.Duration { return time.Since(w.begin) }

func (w *world) log(e Entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.entries = append(w.entries, e)
}

// A process is one life. After its crash nothing that it does counts.
type process struct {
	*world
	life int
	ctx  context.Context //nolint:containedctx // ends with it
	kill context.CancelFunc
}

func (p *process) alive() bool { return p.ctx.Err() == nil }

// sleep reports whether the process still lives then.
func (p *process) sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.ctx.Done():
	case <-ctx.Done():
	}
	return p.alive()
}

// Poll is the service.
func (p *process) Poll(ctx context.Context, id string) (poller.Reply, error) {
	from := p.now()
	n := p.number(id)
	j := &p.c.Jobs[n]
	code := p.respond(j, from)
	p.mu.Lock()
	latency := time.Duration(p.rand.Int64N(int64(p.c.Latency)))
	p.mu.Unlock()
	if !p.sleep(ctx, latency) {
		return poller.Reply{}, context.Canceled
	}
	if ctx.Err() != nil {
		code = 0
	}
	p.log(Entry{What: "poll", From: from, To: p.now(), Life: p.life, Job: n, Status: code})
	switch code {
	case 0:
		return poller.Reply{}, ctx.Err()
	case 200:
		return poller.Reply{Job: j.at(from).Clone()}, nil
	default:
		e := &poller.Error{StatusCode: code}
		if code == 404 {
			e.Code = "SFS.TURBO.0019"
		}
		return poller.Reply{}, e
	}
}

func (p *process) respond(j *Job, at time.Duration) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.c.Throttle > 0 {
		p.served = min(5, p.served+p.c.Throttle*(at-p.last).Seconds())
		if p.last = at; p.served < 1 {
			return 429
		}
		p.served--
	}
	switch {
	case at >= j.Faulty[0] && at < j.Faulty[1]:
		return j.Fault
	case at < j.States[0].At:
		return 404
	}
	return 200
}

// at is the job at this time.
func (j *Job) at(t time.Duration) status.Job {
	now := j.States[0].Job
	for _, s := range j.States {
		if s.At <= t {
			now = s.Job
		}
	}
	return now
}

// deliver is the callback.
func (p *process) deliver(t status.Transition) {
	from := p.now()
	n := p.number(t.JobID)
	if p.sleep(context.Background(), p.c.Jobs[n].Callback) {
		p.log(Entry{What: "delivery", From: from, To: p.now(), Life: p.life, Job: n, Transition: t})
	}
}

// journal is the one of a process.
type journal struct{ *process }

func (j journal) Load() iter.Seq2[tracker.Record, error] {
	return func(yield func(tracker.Record, error) bool) {
		for key, data := range maps.Clone(j.stored) {
			if !yield(tracker.Record{Key: key, Data: data}, nil) {
				return
			}
		}
	}
}

var errFull = errors.New("the disk is full")

func (j journal) Commit(records []tracker.Record) error {
	e := Entry{What: "commit", From: j.now(), Life: j.life, Job: -1, Records: map[int]map[string]status.Status{}}
	if !j.sleep(context.Background(), j.c.Commit) {
		return errFull
	}
	if e.To = j.now(); e.To >= j.c.Full[0] && e.To < j.c.Full[1] {
		return errFull
	}
	j.mu.Lock()
	for _, r := range records {
		n := j.number(r.Key)
		if j.stored[r.Key] = r.Data; r.Data == nil {
			delete(j.stored, r.Key)
			e.Records[n] = nil
			continue
		}
		e.Records[n] = statuses(r.Data)
	}
	j.mu.Unlock()
	j.log(e)
	return nil
}

// statuses are what a record says was delivered.
func statuses(data []byte) map[string]status.Status {
	var r struct{ Job status.Job }
	if err := json.Unmarshal(data, &r); err != nil {
		panic(err)
	}
	list := map[string]status.Status{"": r.Job.Status}
	for _, sub := range r.Job.SubJobs {
		list[sub.ID] = sub.Status
	}
	return list
}
