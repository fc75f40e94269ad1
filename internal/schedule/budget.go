package schedule

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

const (
	cut      = 0.7  // a throttled poll multiplies the rate by this
	recovery = 1.03 // each second multiplies it by this, up to the configured one
	lowest   = 1    // polls a second: it is cut no further

	centuries = 9e9 // seconds: what a time.Duration can hold
)

// A budget says when there is a call to spend. Throttling lowers its rate for all jobs together: if
// each job backed off on its own, they would all come back together.
type budget struct {
	limiter    *rate.Limiter
	configured rate.Limit
	recovered  time.Time // until when the rate has recovered
	cuts       uint32

	// With no rate configured, the rate to begin with is the one that was throttled: polls of
	// the last second or so, decaying exponentially.
	recent float64
	last   time.Time
}

func newBudget(limit rate.Limit, burst int) budget {
	return budget{limiter: rate.NewLimiter(limit, burst), configured: limit}
}

// limited reports whether there is a rate at all.
func (b *budget) limited() bool { return b.limiter.Limit() != rate.Inf }

// recover raises a rate that was cut. With no rate configured it ends at a billion polls a second.
func (b *budget) recover(now time.Time) {
	limit := b.limiter.Limit()
	since := now.Sub(b.recovered)
	if limit == b.configured || since <= 0 {
		return
	}
	b.recovered = now
	limit *= rate.Limit(math.Pow(recovery, since.Seconds()))
	if limit >= min(b.configured, 1e9) {
		limit = b.configured
	}
	b.limiter.SetLimitAt(now, limit)
}

// take spends a call. If there is none, it returns how long until there is.
func (b *budget) take(now time.Time) (wait time.Duration) {
	if !b.limiter.AllowN(now, 1) {
		missing := (1 - b.limiter.TokensAt(now)) / float64(b.limiter.Limit())
		return time.Duration(min(missing, centuries)*float64(time.Second)) + 1
	}
	if b.configured == rate.Inf {
		b.recent, b.last = b.decayed(now)+1, now
	}
	return 0
}

func (b *budget) decayed(now time.Time) float64 {
	return b.recent * math.Exp(-now.Sub(b.last).Seconds())
}

// throttled cuts the rate because of a poll that began after this number of cuts. The responses to
// polls that were in flight together with one that has cut the rate say nothing more. What was
// saved for a burst is lost.
func (b *budget) throttled(now time.Time, cuts uint32) {
	if cuts != b.cuts {
		return
	}
	b.cuts++
	b.recover(now)
	limit := b.limiter.Limit()
	if limit == rate.Inf {
		limit = rate.Limit(b.decayed(now))
	}
	least := min(lowest, b.configured)
	b.limiter.SetLimitAt(now, max(limit*cut, least))
	b.recovered = now
	if saved := int(b.limiter.TokensAt(now)); saved > 0 {
		b.limiter.AllowN(now, saved)
	}
}
