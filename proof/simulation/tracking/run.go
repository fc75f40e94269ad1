package tracking

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/status"
	"github.com/sfsturbo/waiter/tracker"
)

// Run has a Tracker go through a case, within a bubble, and returns what happened.
func Run(t *testing.T, c *Case) []Entry {
	w := &world{
		c: c, begin: time.Now(), byID: map[string]int{}, stored: map[string][]byte{}, served: 5,
		rand: rand.New(rand.NewPCG(c.Seed, 8)),
	}
	for n, j := range c.Jobs {
		w.byID[plain(j.ID)] = n
	}
	d := &driver{T: t, world: w}
	if c.History {
		history, err := pace.NewHistory()
		d.must(err)
		d.history = history
	}
	d.start(0)
	lives := c.Lives
	for _, a := range sorted(c.Actions) {
		for len(lives) > 0 && lives[0].Until < a.At {
			d.end(lives[0])
			lives = lives[1:]
		}
		d.until(a.At)
		d.act(a)
	}
	for _, l := range lives {
		d.end(l)
	}
	d.finish()
	return w.entries
}

func plain(id string) string { return strings.ReplaceAll(id, "-", "") }

func sorted(actions []Action) []Action {
	return slices.SortedStableFunc(slices.Values(actions), func(a, b Action) int { return int(a.At - b.At) })
}

// A driver is the user of the Tracker.
type driver struct {
	*testing.T
	*world
	history *pace.History
	process *process
	tracker *tracker.Tracker
	stop    context.CancelFunc
	running chan struct{}
	calls   sync.WaitGroup
}

func (d *driver) must(err error) {
	if err != nil {
		d.Fatalf("seed %d, at %v: %v", d.c.Seed, d.now(), err)
	}
}

func (d *driver) until(at time.Duration) { time.Sleep(at - d.now()) }

// start makes a Tracker from what the journal has.
func (d *driver) start(life int) {
	p := &process{world: d.world, life: life}
	p.ctx, p.kill = context.WithCancel(context.Background())
	d.process = p
	w, err := waiter.New(p, waiter.OnTransition(p.deliver), waiter.WithTrace(&waiter.Trace{
		WaitEnd: func(_ context.Context, e waiter.WaitEnd) {
			if p.alive() {
				p.log(Entry{What: "end", From: p.now(), To: p.now(), Life: life, Job: p.number(e.Job.ID), Outcome: e.Outcome})
			}
		},
	}))
	d.must(err)
	opts := []tracker.Option{tracker.WithJournal(journal{p}), tracker.WithRetention(d.c.Retention, 1000)}
	if d.c.Rate > 0 {
		opts = append(opts, tracker.WithRate(rate.Limit(d.c.Rate), d.c.Burst))
	}
	if d.c.Concurrency > 0 {
		opts = append(opts, tracker.WithConcurrency(d.c.Concurrency))
	}
	if d.history != nil {
		opts = append(opts, tracker.WithHistory(d.history))
	}
	d.tracker, err = tracker.New(w, opts...)
	d.must(err)
	d.run()
}

// run runs the Tracker until stop is called, again after an error of the journal.
func (d *driver) run() {
	ctx, cancel := context.WithCancel(context.Background())
	d.stop, d.running = cancel, make(chan struct{})
	p, tr, running := d.process, d.tracker, d.running
	go func() {
		defer close(running)
		for {
			from := p.now()
			err := tr.Run(ctx)
			p.log(Entry{What: "run", From: from, To: p.now(), Life: p.life, Job: -1})
			if ctx.Err() != nil {
				return
			}
			if err == nil || !strings.Contains(err.Error(), errFull.Error()) {
				d.Errorf("seed %d, at %v: Run: %v", d.c.Seed, d.now(), err)
				return
			}
			p.sleep(ctx, time.Second)
		}
	}()
}

// end ends a life.
func (d *driver) end(l Life) {
	d.until(l.Until)
	d.stop()
	if from := d.now(); !l.Crash {
		<-d.running
		d.log(Entry{What: "stop", From: from, To: d.now(), Life: d.process.life, Job: -1})
		d.run()
		return
	}
	d.process.kill()
	d.log(Entry{What: "crash", From: d.now(), To: d.now(), Life: d.process.life, Job: -1})
	d.start(d.process.life + 1)
}

func (d *driver) act(a Action) {
	ids := make([]string, len(a.Jobs))
	for i, n := range a.Jobs {
		if ids[i] = d.c.Jobs[n].ID; a.Plain {
			ids[i] = strings.ToUpper(plain(ids[i]))
		}
	}
	p, tr, from := d.process, d.tracker, d.now()
	switch a.What {
	case "track":
		list := make([]status.Job, len(ids))
		for i, id := range ids {
			list[i].ID = id
		}
		for tr.Track(list...) != nil { // the journal is full
			time.Sleep(time.Minute)
		}
		for _, n := range a.Jobs {
			d.log(Entry{What: "track", From: from, To: d.now(), Life: p.life, Job: n})
		}
	case "forget":
		for _, n := range a.Jobs { // it takes effect at once, and returns after a commit
			d.log(Entry{What: "forget", From: from, To: from, Life: p.life, Job: n})
		}
		tr.Forget(ids...)
	case "wait":
		for i, n := range a.Jobs {
			d.calls.Go(func() { d.wait(p, tr, ids[i], n, a.Within) })
		}
	}
}

func (d *driver) wait(p *process, tr *tracker.Tracker, id string, n int, within time.Duration) {
	ctx, cancel := context.WithCancel(p.ctx)
	e := Entry{What: "wait", From: d.now(), Life: p.life, Job: n}
	if within > 0 {
		ctx, cancel = context.WithTimeout(ctx, within)
		e.Deadline = e.From + within
	}
	defer cancel()
	d.log(Entry{What: "call", From: e.From, To: e.From + 3*d.c.Commit, Life: p.life, Job: n}) // of Track, within Wait
	_, err := tr.Wait(ctx, id)
	if p.alive() && (err == nil || !strings.Contains(err.Error(), errFull.Error())) {
		e.To, e.Outcome = d.now(), waiter.Outcome(err)
		d.log(e)
	}
}

// finish waits until all jobs have ended.
func (d *driver) finish() {
	synctest.Wait()
	for limit := d.now() + 100*time.Hour; d.tracker.Stats().Followed > 0; time.Sleep(time.Minute) {
		if d.now() > limit {
			for s := range d.tracker.Jobs() {
				if !s.Done {
					d.Errorf("seed %d: job %s does not end: %v", d.c.Seed, s.Job.ID, fmt.Sprintf("%+v", s))
				}
			}
			break
		}
	}
	d.stop()
	<-d.running
	d.process.kill()
	d.calls.Wait()
}
