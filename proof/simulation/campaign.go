package simulation

import (
	"context"
	"sync"
	"sync/atomic"
)

// Campaign is a range of seeds.
type Campaign struct {
	Name        string // of the tier
	Tier        Tier
	From, Until uint64 // Until is excluded
	Workers     int
	Report      func(string) // called by one worker at a time
}

// Run runs the seeds until all are done, ctx ends, or five have failed. Seeds that other workers
// have begun by then still finish.
func (c *Campaign) Run(ctx context.Context) *Tally {
	all := &Tally{tier: c.Name, Ends: map[End]int{}, Met: map[string]int{}}
	var mu sync.Mutex
	var next atomic.Uint64
	var group sync.WaitGroup
	next.Store(c.From)
	for range c.Workers {
		group.Go(func() {
			for seed := next.Add(1) - 1; seed < c.Until && ctx.Err() == nil; seed = next.Add(1) - 1 {
				drawn := Draw(c.Name, seed)
				trace, found := Try(&drawn, c.Name, c.Tier)
				mu.Lock()
				all.add(seed, trace, found)
				enough := len(all.Failed) >= 5
				mu.Unlock()
				if len(found) > 0 {
					Report(ctx, &drawn, c.Name, c.Tier, trace, found, func(text string) {
						mu.Lock()
						defer mu.Unlock()
						c.Report(text)
					})
				}
				if enough {
					return
				}
			}
		})
	}
	group.Wait()
	return all
}
