package credential_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/credential"
)

// renewable is a Refresher.
type renewable struct {
	renewed []*http.Request
	fails   error
}

func (c *renewable) Authorize(_ context.Context, r *http.Request) error {
	r.Header.Set("X-Auth-Token", "token")
	return nil
}

func (c *renewable) Refresh(_ context.Context, rejected *http.Request) error {
	c.renewed = append(c.renewed, rejected)
	return c.fails
}

func TestAsAttempter(t *testing.T) {
	down := errors.New("IAM is down")
	asked := credential.TokenFunc(func(context.Context) (string, error) { return "token", nil })
	rejected := credential.Feedback{Result: credential.Rejected}
	for name, c := range map[string]struct {
		credential credential.Credential
		feedback   credential.Feedback
		again      bool
		err        error
		renewed    int
	}{
		"a token":                      {credential: credential.Token("token"), feedback: rejected},
		"a Refresher":                  {credential: &renewable{}, feedback: rejected, again: true, renewed: 1},
		"a Refresher that fails":       {credential: &renewable{fails: down}, feedback: rejected, err: down, renewed: 1},
		"a Refresher that is accepted": {credential: &renewable{}, feedback: credential.Feedback{Result: credential.Accepted}},
		"a Refresher, no response":     {credential: &renewable{}},
		"a Refresher, the last time":   {credential: &renewable{}, feedback: credential.Feedback{Result: credential.Rejected, Last: true}},
		"a TokenFunc":                  {credential: asked, feedback: rejected, again: true},
		"a TokenFunc, the last time":   {credential: asked, feedback: credential.Feedback{Result: credential.Rejected, Last: true}},
		"a TokenFunc that is accepted": {credential: asked, feedback: credential.Feedback{Result: credential.Accepted}},
	} {
		t.Run(name, func(t *testing.T) {
			a := credential.AsAttempter(c.credential)
			require.IsType(t, a, credential.AsAttempter(a), "an Attempter is left as it is")
			r := request(t)
			report, err := a.Attempt(t.Context(), r)
			require.NoError(t, err)
			require.Equal(t, "token", r.Header.Get("X-Auth-Token"))
			again, err := report(c.feedback)
			require.Equal(t, c.again, again)
			require.Equal(t, c.err, err)
			if renewed, ok := c.credential.(*renewable); ok {
				require.Len(t, renewed.renewed, c.renewed)
				for _, r2 := range renewed.renewed {
					require.Same(t, r, r2, "the request that was rejected")
				}
			}
		})
	}
}

func TestAnAttemptThatCantBeAuthorized(t *testing.T) {
	for _, c := range []credential.Credential{
		credential.Token(""),
		credential.TokenFunc(nil),
		accessKey(t, credential.AccessKeyOptions{Rotate: func(context.Context) (string, string, string, error) { return "", "", "", nil }}),
	} {
		report, err := credential.AsAttempter(c).Attempt(t.Context(), request(t))
		require.Error(t, err)
		require.Nil(t, report)
	}
}
