package tracker

// Contexts returns how many contexts of waits are kept.
func (t *Tracker) Contexts() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.contexts)
}

// Readers returns how many ranges over Events there are.
func (t *Tracker) Readers() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.readers)
}
