package waiter_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

const secret = "planted-token-5d41402abc4b2a76b9719d911017c592"

// overHTTP is the real client and server, in memory: right for a synctest bubble.
func overHTTP(t *testing.T, server *pollertest.Server) *poller.Client {
	endpoint, client := server.Memory()
	t.Cleanup(server.Close)
	c, err := poller.New(endpoint, "a-project", poller.WithHTTPClient(client), poller.WithCredential(credential.Token(secret)))
	require.NoError(t, err)
	return c
}

func script(steps ...pollertest.Step) pollertest.Script {
	return pollertest.Script{ID: id, Type: "bind_ldap", Steps: steps}
}

func after(d time.Duration, j status.Job) pollertest.Step { return pollertest.Step{After: d, Job: j} }

// The service's page: the sample answer, and the error samples.
func TestTheSamplesOfTheServicesPage(t *testing.T) {
	const sample = `{
  "job_id" : "26f6b565-xxxx-XXXX-xxxx-03f0bd975433",
  "status" : "success",
  "job_type" : "bind_ldap",
  "begin_time" : "2023-07-26 09:33:58",
  "end_time" : "2023-07-26 09:33:58"
}`
	const invalid = "{\n  \"errCode\" : \"SFS.TURBO.0001\",\n  \"errMsg\" : \"parameter error\"\n}"
	const internal = "{\n  \"errCode\" : \"SFS.TURBO.0005\",\n  \"errMsg\" : \"Internal server error\"\n}"
	const sampleID = "26f6b565-xxxx-XXXX-xxxx-03f0bd975433"
	synctest.Test(t, func(t *testing.T) {
		server := pollertest.New()
		server.Fail(pollertest.Rule{Times: 1, Status: 500, Raw: internal})
		server.Fail(pollertest.Rule{Times: 1, Status: 400, Raw: invalid})
		server.Fail(pollertest.Rule{Times: 1, Status: 404, Raw: invalid})
		server.Fail(pollertest.Rule{Raw: sample})
		got, err := newWaiter(t, overHTTP(t, server)).Wait(t.Context(), sampleID)
		require.NoError(t, err)
		require.Equal(t, status.Job{
			ID: sampleID, Type: "bind_ldap", Status: status.Success,
			BeginTime: "2023-07-26 09:33:58", EndTime: "2023-07-26 09:33:58",
		}, got)
		require.Len(t, server.Requests(), 4)
	})
	for code, is := range map[int]error{400: waiter.ErrNotFound, 404: waiter.ErrNotFound} {
		synctest.Test(t, func(t *testing.T) {
			server := pollertest.New()
			server.Fail(pollertest.Rule{Status: code, Raw: invalid})
			_, err := newWaiter(t, overHTTP(t, server)).Wait(t.Context(), sampleID)
			require.ErrorIs(t, err, is)
			answer, ok := errors.AsType[*poller.Error](err)
			require.True(t, ok)
			require.Equal(t, "SFS.TURBO.0001", answer.Code)
			require.Equal(t, "parameter error", answer.Message)
		})
	}
}

func TestAWaitSurvivesEveryFault(t *testing.T) {
	faults := map[string]pollertest.Rule{
		"502":             {Status: 502, Body: pollertest.HTML},
		"503 with a date": {Status: 503, RetryAfter: time.Date(2000, 1, 1, 0, 0, 20, 0, time.UTC).Format(http.TimeFormat)},
		"500":             {Status: 500, Body: pollertest.ServiceSnake, Code: "SFS.TURBO.0005"},
		"429":             {Status: 429, RetryAfter: "3"},
		"400 0005":        {Status: 400, Body: pollertest.Service, Code: "SFS.TURBO.0005"},
		"reset":           {Break: pollertest.Reset},
		"hang":            {Break: pollertest.Hang},
		"truncated":       {Break: pollertest.Truncate, After: 10},
		"half a body":     {Break: pollertest.Cut},
		"HTML with 200":   {Status: 200, Body: pollertest.HTML},
		"an empty 200":    {Status: 200, Body: pollertest.Empty},
		"a list":          {Raw: "[]"},
		"another job's":   {Edit: func(j *status.Job) { j.ID, j.Status = "another", status.Failed }},
		"without status":  {Edit: func(j *status.Job) { j.Status = "" }},
		"202":             {Status: 202},
		"slow":            {Delay: 20 * time.Second},
		"one stale 404":   {Status: 404, Body: pollertest.Service, Code: "SFS.TURBO.0019"},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := pollertest.New()
				server.Add(script(after(0, job("running")), after(time.Minute, job("success", sub("a", "success")))))
				fault.Skip, fault.Times = 2, 1
				server.Fail(fault)
				got := wait(t.Context(), t, newWaiter(t, overHTTP(t, server)))
				require.NoError(t, got.err)
				require.Equal(t, []string{"->running", "a ->success", "running->success"}, got.lines())
				require.Equal(t, "bind_ldap", got.job.Type)
			})
		})
	}
}

func TestARejectedTokenEndsTheWaitAndIsNotHammered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := pollertest.New(pollertest.WithToken("another"))
		server.Add(script())
		_, err := newWaiter(t, overHTTP(t, server)).Wait(t.Context(), id)
		require.ErrorIs(t, err, waiter.ErrUnauthorized)
		require.Len(t, server.Requests(), 1)
	})
}

func TestTheTokenIsNowhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.DebugLevel)
		server := pollertest.New()
		for _, rule := range []pollertest.Rule{
			{Times: 1}, // a good answer
			{Times: 1, Status: 502, Body: pollertest.Gateway, Message: "token " + secret},
			{Times: 1, Break: pollertest.Reset, After: 1},
			{Times: 1, Raw: secret},
			{Times: 1, Break: pollertest.Hang},
			{Status: 403, Body: pollertest.IAM, Message: "no " + secret},
		} {
			server.Fail(rule)
		}
		server.Add(script(after(0, job("running"))))
		client := overHTTP(t, server)
		w := newWaiter(t, client, waiter.WithLogger(zap.New(core)))
		p := waiter.Progress{JobID: id}
		var err error
		for !p.Done {
			p, err = w.Step(t.Context(), p)
			time.Sleep(p.Next)
		}
		require.Equal(t, 6, p.Polls)
		unfinished, _ := errors.AsType[*waiter.UnfinishedError](err)
		answer, _ := errors.AsType[*poller.Error](err)
		for _, v := range []any{
			err, unfinished, *unfinished, answer, *answer, p, w, *w, client, *client, credential.Token(secret),
			server.Requests(), logs.All(),
		} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
				require.NotContains(t, fmt.Sprintf(verb, v), secret, "%T", v)
			}
		}
		for _, entry := range logs.All() {
			require.NotContains(t, fmt.Sprint(entry.Message, entry.ContextMap()), secret)
		}
	})
}

// No goroutine and no open body outlives a wait, however it ends: the bubble would
// not end, and TestMain looks too. It would not notice a timer.
func TestNothingIsLeftBehind(t *testing.T) {
	ends := map[string]func(t *testing.T, w *waiter.Waiter, s *pollertest.Server) error{
		"cancelled in a hang": func(t *testing.T, w *waiter.Waiter, s *pollertest.Server) error {
			s.Fail(pollertest.Rule{Break: pollertest.Hang})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := w.Wait(ctx, id)
			return err
		},
		"a panic": func(t *testing.T, w *waiter.Waiter, _ *pollertest.Server) (err error) {
			defer func() { err = fmt.Errorf("%v", recover()) }()
			_, err = w.WaitAll(t.Context(), id, "another", "a third")
			return err
		},
		"break": func(t *testing.T, w *waiter.Waiter, _ *pollertest.Server) error {
			for range w.Watch(t.Context(), strings.ReplaceAll(id, "-", "")) {
				return errors.New("left")
			}
			return nil
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := pollertest.New()
				server.Add(script(after(0, job("running"))))
				client := overHTTP(t, server)
				opts := []waiter.Option{}
				if name == "a panic" {
					opts = append(opts, waiter.OnTransition(func(status.Transition) { panic(name) }))
				}
				require.Error(t, end(t, newWaiter(t, client, opts...), server))
			})
		})
	}
}
