package credential

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestWhatToDoWithALease(t *testing.T) {
	const renewAt, end = 22 * time.Hour, 24 * time.Hour
	fresh := lease{token: "t", due: begin.Add(renewAt), expires: begin.Add(end)}
	down := errors.New("down")
	paused := fresh
	paused.failure, paused.failed, paused.pause = down, begin.Add(renewAt), time.Second
	dying := lease{token: "t", due: begin, expires: begin.Add(10 * time.Second), failure: down, failed: begin, pause: time.Second}
	refused := fresh
	refused.failure, refused.failed, refused.pause = down, begin.Add(renewAt), 3*time.Hour
	for _, c := range []struct {
		name  string
		lease lease
		age   time.Duration
		want  action
	}{
		{"nothing yet", lease{}, 0, ask},
		{"fresh", fresh, renewAt - 1, use},
		{"due", fresh, renewAt, renew},
		{"about to die", fresh, end - 1, renew},
		{"dead", fresh, end, ask},
		{"due, asked a moment ago", paused, renewAt, use},
		{"due, asked a while ago", paused, renewAt + time.Minute, renew},
		{"dead, asked a moment ago", lease{token: "t", expires: begin, failure: down, failed: begin, pause: 2}, 1, fail},
		{"died since it was asked for", dying, 10 * time.Second, ask},
		{"alive until then", dying, 10*time.Second - 1, use},
		{"due, refused", refused, renewAt, use},
		{"dead, refused", refused, end, fail},
		{"never had, refused", lease{failure: down, failed: begin, pause: 2 * time.Hour}, time.Hour, fail},
		{"never had, asked a moment ago", lease{failure: down, failed: begin, pause: 2}, 1, fail},
		{"never had, asked a while ago", lease{failure: down, failed: begin, pause: 2}, 2, ask},
		{"end unknown", lease{token: "t"}, 1000 * time.Hour, use},
	} {
		require.Equal(t, c.want, c.lease.next(begin.Add(c.age)), c.name)
	}
}

func TestATokenIsRenewedBeforeItsEndByAMarginAndSomeJitter(t *testing.T) {
	for jitter, want := range map[float64]time.Duration{0: 72 * time.Minute, 0.5: 108 * time.Minute, 1: 144 * time.Minute} {
		var l lease
		l.take(grant{token: "t", life: 24 * time.Hour}, nil, begin, begin.Add(5*time.Second), jitter)
		require.Equal(t, begin.Add(24*time.Hour), l.expires, "from when it was asked for")
		require.Equal(t, want, l.expires.Sub(l.due))
	}
}

func TestTheShortestLifeThatATokenCanHaveIsBelieved(t *testing.T) {
	var l lease
	l.take(grant{token: "t", life: time.Minute}, nil, begin, begin, 0)
	require.Equal(t, begin.Add(time.Minute), l.expires)
}

func TestALifeThatMakesNoSenseIsNotKnown(t *testing.T) {
	for _, life := range []time.Duration{0, -time.Hour, 1, time.Minute - 1} {
		var l lease
		l.take(grant{token: "t", life: life}, nil, begin, begin, 0)
		require.Equal(t, lease{token: "t"}, l)
	}
}

func TestAFailureKeepsTheTokenAndPauses(t *testing.T) {
	down := errors.New("down")
	for retryAfter, pause := range map[time.Duration]time.Duration{
		0: time.Second, time.Millisecond: time.Second, 20 * time.Second: 20 * time.Second, time.Hour: 2 * time.Minute,
	} {
		l := lease{token: "t", expires: begin.Add(time.Hour)}
		l.take(grant{retryAfter: retryAfter}, down, begin.Add(-time.Second), begin, 0)
		require.Equal(t, lease{token: "t", expires: begin.Add(time.Hour), failure: down, failed: begin, pause: pause}, l)
		l.take(grant{token: "u"}, nil, begin, begin, 0)
		require.Equal(t, lease{token: "u"}, l, "forgotten")
	}
}

// Failed logins lock a user: one more in ten minutes does not.
func TestAfterARefusalThePauseIsTenMinutes(t *testing.T) {
	var l lease
	l.take(grant{refused: true, retryAfter: time.Second}, errors.New("bad password"), begin, begin, 0)
	require.Equal(t, fail, l.next(begin.Add(10*time.Minute-1)))
	require.Equal(t, ask, l.next(begin.Add(10*time.Minute)))
}

func TestReject(t *testing.T) {
	l := lease{token: "old"}
	require.False(t, l.reject("another", begin))
	require.Equal(t, "old", l.token, "what was rejected has been replaced since")

	require.False(t, l.reject("old", begin))
	require.Equal(t, ask, l.next(begin))
	require.False(t, l.reject("old", begin), "one more that was on its way")
	l.take(grant{token: "new", life: time.Hour}, nil, begin, begin, 0)

	require.True(t, l.reject("new", begin.Add(time.Minute-1)), "renewed in vain")
	require.Equal(t, "new", l.token)
	require.False(t, l.reject("new", begin.Add(time.Minute)))
}

func TestOnlyARenewalAfterARejectionCanBeUseless(t *testing.T) {
	var l lease
	l.take(grant{token: "first"}, nil, begin, begin, 0)
	require.False(t, l.reject("first", begin), "the first is renewed, however young")
	l.take(grant{token: "second", life: time.Hour}, nil, begin, begin, 0)
	l.take(grant{token: "third"}, nil, begin.Add(time.Hour), begin.Add(time.Hour), 0) // for its age
	require.False(t, l.reject("third", begin.Add(time.Hour)))
	l.take(grant{token: "fourth"}, nil, begin.Add(time.Hour), begin.Add(time.Hour+10*time.Second), 0)
	require.True(t, l.reject("fourth", begin.Add(time.Hour+70*time.Second-1)), "a minute begins when the token was got")
	require.False(t, l.reject("fourth", begin.Add(time.Hour+70*time.Second)))
}
