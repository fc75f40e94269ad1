package credential

import "time"

// lease is a token and what is known about it. What to do with it is a pure function of
// the time.
type lease struct {
	token   string    // "" if there is none
	due     time.Time // when to renew the token; zero if never
	expires time.Time // zero if unknown
	forced  time.Time // when the token was issued, if the one before it was rejected

	failure error         // of the last request for a token; nil if it succeeded
	failed  time.Time     // when that request failed
	pause   time.Duration // after that, until the next request
}

type action int

const (
	use   action = iota // use the token
	renew               // renew the token; if a renewal is in flight, use the old one
	ask                 // request a token; if a request is in flight, wait for it
	fail                // fail with the last failure: it is too early for another request
)

func (l *lease) next(now time.Time) action {
	alive := l.token != "" && (l.expires.IsZero() || now.Before(l.expires))
	pause := l.pause
	if alive { // not urgent, and each request may delay a poll
		pause = max(pause, unhurried)
	}
	barred := l.failure != nil && now.Sub(l.failed) < pause
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

// grant is IAM's response.
type grant struct {
	token      string
	life       time.Duration // 0 if unknown
	retryAfter time.Duration
	refused    bool // IAM rejected the login, and more failed ones would lock the user
}

// take records the response to a request that was sent at that time. The jitter is from
// 0 to 1.
func (l *lease) take(g grant, err error, sent, now time.Time, jitter float64) {
	if err != nil {
		l.failure, l.failed = err, now
		l.pause = min(max(g.retryAfter, shortestPause), longestPause)
		if g.refused {
			l.pause = rejectionRest
		}
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
	shortestLife  = time.Minute // no token lives less: a shorter life is a wrong clock
	settled       = time.Minute
)

// reject drops a token that was rejected, unless it has been replaced since. It reports
// whether requesting another one is useless.
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
