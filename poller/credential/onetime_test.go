package credential_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/pollertest"
)

// A password may be a PIN and a code that is good for seconds, or be changed the next day. The
// token that it brought is used to its end, and the logins that fail meanwhile stay too far apart
// to lock the user.
func TestAPasswordThatIsGoodOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := iam(t)
		s.Fail(pollertest.Rule{Call: pollertest.IssueToken, Skip: 1, Status: 401})
		first, start := token(t, c), time.Now()
		for time.Since(start) < 24*time.Hour-time.Minute {
			require.Equal(t, first, token(t, c))
			time.Sleep(15 * time.Second)
		}
		time.Sleep(time.Minute)
		require.True(t, failure(t, c).Permanent)

		logins := s.Requests()
		require.Greater(t, len(logins), 2)
		for i := 2; i < len(logins); i++ {
			require.GreaterOrEqual(t, logins[i].At.Sub(logins[i-1].At), 10*time.Minute)
		}
	})
}
