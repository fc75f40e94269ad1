package survival

// jitter moves a poll by at most this fraction of the shorter of the two intervals beside it, so
// that jobs that began together are not all polled together. It costs 0.3 % on average over the
// tests' distributions and call costs after 100 jobs, and 1.2 % at worst:
//
//	go test -v -run TestGate ./internal/survival
const jitter = 0.1

// Guard returns the longest allowed interval, in seconds, after a poll at this age at the call
// cost c, whatever the plan says: it bounds how late a job's end is seen. By the same command it
// costs 3.3 % on average, nothing where jobs end early, and 12 % where all take about ten minutes.
func Guard(age, c float64) float64 { return max(30*c, min(2*age, 300*c)) }

// Poll returns the age of the next poll after one at this age: Next, within Guard, and moved by
// jitter. uniform is a random number, evenly distributed between -1 and 1.
func (p *Plan) Poll(age, uniform float64) float64 {
	at := p.guarded(age)
	return at + uniform*jitter*min(at-age, p.guarded(at)-at)
}

// guarded is Next within Guard, with room for the jitter.
func (p *Plan) guarded(age float64) float64 {
	return min(p.Next(age), age+Guard(age, p.cost)/(1+jitter))
}
