package tracker

// Readers returns how many ranges over Events there are.
func (t *Tracker) Readers() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.readers)
}
