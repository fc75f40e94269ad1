package survival

// A Crowd is how many jobs of a type run at once. Learn takes a few that end first or last among
// many for no change.
type Crowd struct {
	Most float64 // ran at once with the last jobs
	Left float64 // jobs that have yet to end until Most ends
	Away float64 // were seen running, and nobody waits for them now
}

// stray is after how many jobs that end the others that are away count little: nobody may ever wait
// for these again.
const stray = 50

// ended takes in that a job ended while others ran. Once as many as ran at once have ended, and so
// many more that the slow ones among them are no longer recent, they do not count.
func (c *Crowd) ended(others float64) {
	c.Left--
	if others >= c.Most || c.Left < 0 {
		c.Most, c.Left = others, others+window
	}
	c.Away -= c.Away / stray
}

// Crowd returns how many jobs run at once, as the next process sees it: nobody waits for those that
// run.
func (h *Histogram) Crowd() Crowd {
	c := h.crowd
	c.Away = h.together()
	return c
}

// AddUnaged adds n to the number of jobs that run now, but at an age that is unknown, so that they
// say nothing of how long jobs take.
func (h *Histogram) AddUnaged(n int) { h.unaged += n }

// AddAway adds n to the number of jobs that were seen running, and that nobody waits for now.
func (h *Histogram) AddAway(n int) { h.crowd.Away = max(0, h.crowd.Away+float64(n)) }

// together returns how many jobs run at once.
func (h *Histogram) together() float64 { return float64(h.alive+h.unaged) + h.crowd.Away }
