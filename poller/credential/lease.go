package credential

import "time"

// lease is a token, and what is known of it. What to do with it is a function of a
// time.
type lease struct {
	token   string    // "" if there is none
	due     time.Time // to be renewed; zero if never
	expires time.Time // zero if not known
	forced  time.Time // when it was got, if that was because the last was rejected

	failure error         // of the last request for one; nil if it went well
	failed  time.Time     // when
	pause   time.Duration // after that
	refused bool          // no request ever
}

type action int

const (
	use   action = iota // the token
	renew               // it, unless somebody is about it: use it then
	ask                 // for one, or wait if somebody does
	fail
)

func (l *lease) next(now time.Time) action {
	alive := l.token != "" && (l.expires.IsZero() || now.Before(l.expires))
	pause := l.pause
	if alive { // there is no hurry, and each request may hold a poll up
		pause = max(pause, unhurried)
	}
	barred := l.refused || l.failure != nil && now.Sub(l.failed) < pause
	switch {
	case alive && (barred || l.due.IsZero() || now.Before(l.due)):
		return use
	case barred:
		return fail
	case alive:
		return renew
	}
	return ask
}

// grant is what IAM answered.
type grant struct {
	token      string
	life       time.Duration // 0 if not known
	retryAfter time.Duration
	refused    bool // failed logins lock a user, so there is no second one
}

// take notes the answer to a request that was sent at that time. The jitter is from
// 0 to 1.
func (l *lease) take(g grant, err error, sent, now time.Time, jitter float64) {
	if err != nil {
		l.failure, l.failed, l.refused = err, now, g.refused
		l.pause = min(max(g.retryAfter, shortestPause), longestPause)
		return
	}
	after := lease{token: g.token}
	if l.token == "" && !l.forced.IsZero() {
		after.forced = now
	}
	*l = after
	if g.life >= shortestLife {
		l.expires = sent.Add(g.life)
		l.due = l.expires.Add(-time.Duration(float64(g.life) * (1 + jitter) / 20))
	}
}

const (
	shortestPause = time.Second
	unhurried     = time.Minute
	longestPause  = 2 * time.Minute
	shortestLife  = time.Minute // a token can't have one of less: not known then
	settled       = time.Minute
)

// reject drops a token that was rejected, unless it has been replaced since. It
// reports whether it is no use to ask for another.
func (l *lease) reject(token string, now time.Time) (useless bool) {
	if token != l.token {
		return false
	}
	if !l.forced.IsZero() && now.Sub(l.forced) < settled {
		return true
	}
	l.token, l.forced = "", now
	return false
}
