package waiter_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// These tests wait with the real client for jobs of pollertest's service, over HTTP.

func TestService(t *testing.T) {
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

	bubble(t, "responds with the samples of its page, which a wait understands", func(t *testing.T) {
		server := pollertest.New()
		server.Fail(pollertest.Rule{Times: 1, Status: 500, Raw: internal})
		server.Fail(pollertest.Rule{Times: 1, Status: 400, Raw: invalid})
		server.Fail(pollertest.Rule{Times: 1, Status: 404, Raw: invalid})
		server.Fail(pollertest.Rule{Raw: sample})
		got, err := newWaiter(t, inMemory(t, server)).Wait(t.Context(), sampleID)
		require.NoError(t, err)
		require.Equal(t, status.Job{
			ID: sampleID, Type: "bind_ldap", Status: status.Success,
			BeginTime: "2023-07-26 09:33:58", EndTime: "2023-07-26 09:33:58",
		}, got)
		require.Len(t, server.Requests(), 4)
	})

	for _, code := range []int{400, 404} {
		bubble(t, fmt.Sprintf("knows no such job with the page's sample of %d", code), func(t *testing.T) {
			server := pollertest.New()
			server.Fail(pollertest.Rule{Status: code, Raw: invalid})
			_, err := newWaiter(t, inMemory(t, server)).Wait(t.Context(), sampleID)
			require.ErrorIs(t, err, waiter.ErrNotFound)
			response, ok := errors.AsType[*poller.Error](err)
			require.True(t, ok)
			require.Equal(t, "SFS.TURBO.0001", response.Code)
			require.Equal(t, "parameter error", response.Message)
		})
	}

	for name, fault := range map[string]pollertest.Rule{
		"a 502 page":              {Status: 502, Body: pollertest.HTML},
		"a 503 with a date":       {Status: 503, RetryAfter: time.Date(2000, 1, 1, 0, 0, 20, 0, time.UTC).Format(http.TimeFormat)},
		"a 500":                   {Status: 500, Body: pollertest.ServiceSnake, Code: "SFS.TURBO.0005"},
		"a 429":                   {Status: 429, RetryAfter: "3"},
		"a 400 SFS.TURBO.0005":    {Status: 400, Body: pollertest.Service, Code: "SFS.TURBO.0005"},
		"a reset":                 {Break: pollertest.Reset},
		"a hang":                  {Break: pollertest.Hang},
		"a truncated body":        {Break: pollertest.Truncate, After: 10},
		"half a body":             {Break: pollertest.Cut},
		"a page with 200":         {Status: 200, Body: pollertest.HTML},
		"an empty 200":            {Status: 200, Body: pollertest.Empty},
		"a list":                  {Raw: "[]"},
		"another job":             {Edit: func(j *status.Job) { j.ID, j.Status = "another", status.Failed }},
		"a job without a status":  {Edit: func(j *status.Job) { j.Status = "" }},
		"a 202":                   {Status: 202},
		"a response that is slow": {Delay: 20 * time.Second},
		"one stale 404":           {Status: 404, Body: pollertest.Service, Code: "SFS.TURBO.0019"},
	} {
		specify(t, "may respond with "+name, func(t *testing.T, d driver) {
			server := pollertest.New()
			server.Add(script(after(0, job("running")), after(time.Minute, job("success", sub("a", "success")))))
			fault.Skip, fault.Times = 2, 1
			server.Fail(fault)
			got := d.wait(t.Context(), t, inMemory(t, server))
			require.NoError(t, got.err)
			require.Equal(t, []string{"->running", "a ->success", "running->success"}, got.lines())
			require.Equal(t, "bind_ldap", got.job.Type)
		})
	}

	// The bubble does not end before its goroutines do, and TestMain looks too. Neither notices a
	// timer.
	for name, end := range map[string]func(t *testing.T, w *waiter.Waiter, s *pollertest.Server) error{
		"is canceled in a hang": func(t *testing.T, w *waiter.Waiter, s *pollertest.Server) error {
			s.Fail(pollertest.Rule{Break: pollertest.Hang})
			_, err := w.Wait(withDeadline(t, time.Minute), id)
			return err
		},
		"panics": func(t *testing.T, w *waiter.Waiter, _ *pollertest.Server) (err error) {
			defer func() { err = fmt.Errorf("%v", recover()) }()
			_, err = w.WaitAll(t.Context(), []string{id, "another", "a third"})
			return err
		},
		"is stopped": func(t *testing.T, w *waiter.Waiter, _ *pollertest.Server) error {
			for range w.Watch(t.Context(), strings.ReplaceAll(id, "-", "")) {
				return errors.New("stopped")
			}
			return nil
		},
	} {
		bubble(t, "keeps no goroutine and no open body of a wait that "+name, func(t *testing.T) {
			server := pollertest.New()
			server.Add(script(after(0, job("running"))))
			client, opts := inMemory(t, server), []waiter.Option{}
			if name == "panics" {
				opts = append(opts, waiter.OnTransition(func(status.Transition) { panic(name) }))
			}
			require.Error(t, end(t, newWaiter(t, client, opts...), server))
		})
	}
}

func TestCredentials(t *testing.T) {
	bubble(t, "that are rejected end the wait, and are sent once", func(t *testing.T) {
		server := pollertest.New(pollertest.WithToken("another"))
		server.Add(script())
		_, err := newWaiter(t, inMemory(t, server)).Wait(t.Context(), id)
		require.ErrorIs(t, err, waiter.ErrUnauthorized)
		require.Len(t, server.Requests(), 1)
	})

	bubble(t, "of a password: a wait of 30 hours takes two tokens", func(t *testing.T) {
		server := pollertest.New(pollertest.WithToken("none but its own"))
		p := withPassword(t, server)
		server.Add(script(after(30*time.Hour, job(status.Success))))
		_, err := newWaiter(t, p).Wait(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, 2, tokensIssued(server))
		for _, r := range server.Requests() {
			require.Contains(t, []int{200, 201}, r.Status, "a poll was rejected")
		}
	})

	// The responses with 401 arrive over seconds, since the polls share 64 connections. The new
	// token arrives after two seconds.
	bubble(t, "of a password: a thousand waits whose token is revoked take one more", func(t *testing.T) {
		server := pollertest.New(pollertest.WithToken("none but its own"))
		p := withPassword(t, server)
		server.Fail(pollertest.Rule{Call: pollertest.IssueToken, Delay: 2 * time.Second})
		server.Fail(pollertest.Rule{Call: pollertest.Poll, Delay: 500 * time.Millisecond})
		w := newWaiter(t, p, waiter.WithPollTimeout(0))
		var waits sync.WaitGroup
		for range 1000 {
			id := server.Add(pollertest.Script{Steps: []pollertest.Step{after(time.Minute, status.Job{Status: status.Success})}})
			waits.Go(func() {
				if _, err := w.Wait(t.Context(), id); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(30 * time.Second)
		require.Equal(t, 1, tokensIssued(server))
		server.RevokeTokens()
		waits.Wait()
		require.Equal(t, 2, tokensIssued(server))
		var rejected []time.Time
		for _, r := range server.Requests() {
			if r.Status == http.StatusUnauthorized {
				rejected = append(rejected, r.At)
			}
		}
		require.Greater(t, len(rejected), 100)
		require.Greater(t, rejected[len(rejected)-1].Sub(rejected[0]), 2*time.Second, "some after the renewal")
	})

	// IAM hangs from the second hour on. The token that it issued before is valid for a day.
	bubble(t, "of a password: a renewal that hangs costs no poll", func(t *testing.T) {
		server := pollertest.New(pollertest.WithToken("none but its own"))
		p := withPassword(t, server)
		server.Add(script(after(23*time.Hour+50*time.Minute, status.Job{Status: status.Success})))
		server.Fail(pollertest.Rule{Call: pollertest.IssueToken, From: time.Hour, Break: pollertest.Hang})
		failed := 0
		trace := traced(waiter.Trace{PollEnd: func(_ context.Context, e waiter.PollEnd) {
			if e.Err != nil {
				failed++
			}
		}})
		w := newWaiter(t, p, trace, waiter.WithPollTimeout(5*time.Second))
		_, err := w.Wait(withDeadline(t, 24*time.Hour), id)
		require.NoError(t, err)
		require.Zero(t, failed)
		require.Greater(t, tokensIssued(server), 10, "renewals were tried")
	})
}

// withPassword is a client in memory whose tokens the service issues.
func withPassword(t *testing.T, server *pollertest.Server) *poller.Client {
	t.Helper()
	t.Cleanup(server.Close)
	endpoint, client := server.Memory()
	c, err := credential.Password(credential.PasswordOptions{
		IAMEndpoint: endpoint, User: "user", Password: plantedPassword, Domain: "account", ProjectName: "cn-north-4", HTTPClient: client,
	})
	require.NoError(t, err)
	p, err := poller.New(endpoint, "a-project", poller.WithHTTPClient(client), poller.WithCredential(c))
	require.NoError(t, err)
	return p
}

func tokensIssued(s *pollertest.Server) (n int) {
	for _, r := range s.Requests() {
		if r.Call == pollertest.IssueToken {
			n++
		}
	}
	return n
}

func TestConnections(t *testing.T) {
	t.Run("of ten thousand waits are at most 64", func(t *testing.T) {
		waits := 10_000
		if underRace() {
			waits = 4_000
		}
		connections, service := countConnections(t), pollertest.New()
		w := newWaiter(t, onAPort(t, service))
		ctx := withDeadline(t, time.Minute)
		errs := make(chan error, waits)
		for range waits {
			jobID := service.Add(pollertest.Script{Steps: []pollertest.Step{
				after(0, status.Job{Status: status.Running}), after(time.Second, status.Job{Status: status.Success}),
			}})
			go func() {
				_, err := w.Wait(ctx, jobID, waiter.WithPollTimeout(0))
				errs <- err
			}()
		}
		for range waits {
			require.NoError(t, <-errs)
		}
		require.LessOrEqual(t, connections.top, 64)
		require.Greater(t, connections.top, 1)
	})

	// net/http gives up a connection if the machine is so busy that the request's own goroutine
	// has not run 50 ms after the response. So one of three runs has to do.
	t.Run("of a thousand polls are one", func(t *testing.T) {
		made := 0
		for range 3 {
			if made = connectionsOfAThousandPolls(t); made == 1 {
				return
			}
		}
		require.Equal(t, 1, made)
	})
}

func connectionsOfAThousandPolls(t *testing.T) int {
	connections, service := countConnections(t), pollertest.New()
	service.Add(script(after(0, job("running"))))
	thousand := func() backoff.BackOff { return backoff.WithMaxRetries(&backoff.ZeroBackOff{}, 999) }
	_, err := newWaiter(t, onAPort(t, service), waiter.WithBackOff(thousand)).Wait(t.Context(), id)
	require.Equal(t, 1000, unfinished(t, err).Polls)
	require.Len(t, service.Requests(), 1000)
	return connections.made
}

// onAPort is the real client and service over TCP.
func onAPort(t *testing.T, server *pollertest.Server) *poller.Client {
	t.Helper()
	t.Cleanup(server.Close)
	c, err := poller.New(server.Start(), "a-project", poller.WithCredential(credential.Token(plantedToken)))
	require.NoError(t, err)
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// connections counts those of the transports that are made while it is there.
type connections struct {
	mu              sync.Mutex
	made, open, top int
}

type countedConn struct {
	net.Conn
	closed func()
}

func (c countedConn) Close() error {
	c.closed()
	return c.Conn.Close()
}

func countConnections(t *testing.T) *connections {
	t.Helper()
	var c connections
	standard := http.DefaultTransport
	counting := standard.(*http.Transport).Clone()
	counting.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.made, c.open = c.made+1, c.open+1
		c.top = max(c.top, c.open)
		return countedConn{conn, sync.OnceFunc(func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.open--
		})}, nil
	}
	http.DefaultTransport = counting
	t.Cleanup(func() { http.DefaultTransport = standard })
	return &c
}

const (
	plantedToken     = "planted-token-5d41402abc4b2a76b9719d911017c592"
	plantedPassword  = "planted-password-7d793037a0760186574b0282f2f435e7"
	plantedAccessKey = "AKEXAMPLE0000000000"
	plantedSecretKey = "planted-secret-key-9e107d9d372bb6826bd81d3542a419d6"
	plantedSecurity  = "planted-security-token-e4d909c290d0fb1ca068ffaddf22cbd0"
)

func TestSecrets(t *testing.T) {
	bubble(t, "are in nothing that is printed, of any exported type", func(t *testing.T) {
		held, secrets := values(t)
		for _, s := range secrets { // in hex, and as a list of bytes
			secrets = append(secrets, fmt.Sprintf("%x", s), strings.Trim(fmt.Sprint([]byte(s)), "[]"))
		}
		seen := map[string]bool{}
		for _, v := range held {
			for _, e := range chain(v) {
				seen[strings.TrimPrefix(fmt.Sprintf("%T", e), "*")] = true
				for _, shown := range everyForm(e) {
					for _, s := range secrets {
						if strings.Contains(shown, s) {
							t.Fatalf("%T shows %q: %s", e, s, shown)
						}
					}
				}
			}
		}
		for _, name := range exportedStructs(t) {
			require.True(t, seen[name], "%s is not among what is printed here", name)
		}
		require.Positive(t, wholeRun.lines)
	})

	bubble(t, "are in nothing that a wait returns or logs, through every kind of failure", func(t *testing.T) {
		core, logs := observer.New(zap.DebugLevel)
		server := pollertest.New()
		for _, rule := range []pollertest.Rule{
			{Times: 1}, // a good response
			{Times: 1, Status: 502, Body: pollertest.Gateway, Message: "token " + plantedToken},
			{Times: 1, Break: pollertest.Reset, After: 1},
			{Times: 1, Raw: plantedToken},
			{Times: 1, Break: pollertest.Hang},
			{Status: 401, Body: pollertest.IAM, Message: "no " + plantedToken},
		} {
			server.Fail(rule)
		}
		server.Add(script(after(0, job("running"))))
		client := inMemory(t, server)
		w := newWaiter(t, client, waiter.WithLogger(zap.New(core)))
		p := waiter.Progress{JobID: id}
		var err error
		for !p.Done {
			p, err = w.Step(t.Context(), p)
			time.Sleep(p.Next)
		}
		require.Equal(t, 6, p.Polls)
		response, _ := errors.AsType[*poller.Error](err)
		for _, v := range []any{
			err, unfinished(t, err), *unfinished(t, err), response, *response, p, w, *w, client, *client, credential.Token(plantedToken),
			server.Requests(), logs.All(),
		} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
				require.NotContains(t, fmt.Sprintf(verb, v), plantedToken, "%T", v)
			}
		}
		for _, entry := range logs.All() {
			require.NotContains(t, fmt.Sprint(entry.Message, entry.ContextMap()), plantedToken)
		}
	})
}

// taught is a schedule that learns. It passes on what it hears.
type taught struct {
	backoff.BackOff
	heard func(pace.Observation)
}

func (b taught) Observe(o pace.Observation) {
	b.heard(o)
	b.BackOff.(pace.Observer).Observe(o)
}

// A mirror is a service that quotes the requests' secrets wherever a response has room for them,
// and remembers them.
type mirror struct {
	http.RoundTripper
	polls, tokens int
	secrets       []string
}

func (m *mirror) RoundTrip(r *http.Request) (*http.Response, error) {
	var quoted []string
	for _, name := range []string{"X-Auth-Token", "X-Security-Token", "Authorization"} {
		if value := r.Header.Get(name); value != "" {
			quoted = append(quoted, value[strings.LastIndex(value, "=")+1:])
		}
	}
	m.secrets = append(m.secrets, quoted...)
	if strings.HasSuffix(r.URL.Path, "/tokens") {
		if m.tokens++; m.tokens > 1 {
			return m.RoundTripper.RoundTrip(r)
		}
		return &http.Response{StatusCode: 503, Header: http.Header{"X-Request-Id": {plantedPassword}}, Body: r.Body, Request: r}, nil
	}
	m.polls++
	said := strings.Join(quoted, " ")
	response := &http.Response{StatusCode: 200, Header: http.Header{"X-Request-Id": {said}}, Request: r}
	var body any = map[string]any{"status": "running", "job_type": said, "sub_jobs": []any{map[string]any{"job_type": said, "status": said}}}
	switch m.polls {
	case 1:
		response.StatusCode, body = 503, map[string]any{"error_code": said, "error_msg": said, "request_id": said}
	case 2:
		return nil, fmt.Errorf("malformed response %q", said)
	case 3:
		body = said
	case 6:
		body = map[string]any{"status": "failed", "error_code": said, "fail_reason": said}
	}
	encoded, err := json.Marshal(body)
	response.Body = io.NopCloser(bytes.NewReader(encoded))
	return response, err
}

var plantedOptions = []any{
	credential.AccessKeyOptions{AccessKey: plantedAccessKey, SecretKey: plantedSecretKey, SecurityToken: plantedSecurity, ProjectID: "p"},
	credential.PasswordOptions{IAMEndpoint: "https://u:" + plantedPassword + "@iam", User: "user", Password: plantedPassword, Domain: "account", ProjectName: "p"},
}

// values are of every exported struct type. They come from waits with each kind of credential for
// jobs of a service that quotes secrets.
func values(t *testing.T) (held []any, secrets []string) {
	server := pollertest.New(pollertest.WithToken(plantedToken), pollertest.WithTemporaryKey(plantedAccessKey, plantedSecretKey, plantedSecurity))
	defer server.Close()
	endpoint, client := server.Memory()
	m := &mirror{RoundTripper: client.Transport}
	client = &http.Client{Transport: m}

	key, err := credential.AccessKey(plantedOptions[0].(credential.AccessKeyOptions))
	require.NoError(t, err)
	password, err := credential.Password(credential.PasswordOptions{
		IAMEndpoint: endpoint, User: "user", Password: plantedPassword, Domain: "account", ProjectName: "p", HTTPClient: client,
	})
	require.NoError(t, err)
	history, err := pace.NewHistory()
	require.NoError(t, err)
	for _, c := range []credential.Credential{
		credential.Token(plantedToken), credential.TokenFunc(func(context.Context) (string, error) { return plantedToken, nil }), key, password,
	} {
		p, err := poller.New(endpoint, "p", poller.WithHTTPClient(client), poller.WithCredential(c))
		require.NoError(t, err)
		keep := func(tr status.Transition) { held = append(held, tr, tr.Job) }
		trace := &waiter.Trace{
			WaitStart: func(ctx context.Context, e waiter.WaitStart) context.Context { held = append(held, e); return ctx },
			WaitEnd:   func(_ context.Context, e waiter.WaitEnd) { held = append(held, e) },
			StepStart: func(ctx context.Context, e waiter.StepStart) context.Context { held = append(held, e); return ctx },
			StepEnd:   func(_ context.Context, e waiter.StepEnd) { held = append(held, e) },
			PollStart: func(ctx context.Context, e waiter.PollStart) context.Context { held = append(held, e); return ctx },
			PollEnd:   func(_ context.Context, e waiter.PollEnd) { held = append(held, e, e.Reply, e.Err) },
		}
		w := newWaiter(t, p, waiter.OnTransition(keep), waiter.WithTrace(trace), waiter.WithBackOff(func() backoff.BackOff {
			return taught{history.BackOff(), func(o pace.Observation) { held = append(held, o) }}
		}))
		m.polls = 0
		job, failed := w.Wait(t.Context(), id)
		require.ErrorIs(t, failed, waiter.ErrJobFailed)
		m.polls = 0
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		_, unfinished := w.Wait(ctx, id)
		cancel()
		require.ErrorIs(t, unfinished, waiter.ErrUnfinished)
		progress := waiter.Progress{JobID: id}
		for m.polls = 0; m.polls < 5; {
			progress, err = w.Step(t.Context(), progress)
			require.NoError(t, err)
			time.Sleep(progress.Next)
		}
		held = append(held, c, p, *p, w, *w, job, failed, unfinished, progress, trace, *trace, waiter.Result{Job: job, Err: failed})
	}
	held = append(held, credential.Feedback{}, history, server, server.Requests(), server.Requests()[0], pollertest.Rule{Status: 401}, pollertest.Script{}, pollertest.Step{})
	held = append(held, plantedOptions...)
	return held, append(m.secrets, plantedToken, plantedPassword, plantedSecretKey, plantedSecurity)
}

// chain returns v, and if it is an error, all that it wraps.
func chain(v any) []any {
	all := []any{v}
	switch e := v.(type) {
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			all = append(all, chain(inner)...)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			all = append(all, chain(inner)...)
		}
	}
	return all
}

func everyForm(v any) (forms []string) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		forms = append(forms, fmt.Sprintf(verb, v), fmt.Sprintf(verb, struct{ V any }{v}))
	}
	if encoded, err := json.Marshal(v); err == nil {
		forms = append(forms, string(encoded))
	}
	if encoded, err := xml.Marshal(v); err == nil {
		forms = append(forms, string(encoded))
	}
	var log, binary bytes.Buffer
	if gob.NewEncoder(&binary).Encode(v) == nil {
		forms = append(forms, binary.String())
	}
	slog.New(slog.NewTextHandler(&log, nil)).Info("", "value", v)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("", "value", v)
	logTo(&log).Info("", zap.Any("value", v), zap.Reflect("reflected", v))
	return append(forms, log.String())
}

// exportedStructs reads the source, so that no new type is left out.
func exportedStructs(t *testing.T) (names []string) {
	for _, dir := range []string{".", "status", "poller", "poller/credential", "poller/pace", "poller/pollertest"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		require.NoError(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			require.NoError(t, err)
			ast.Inspect(parsed, func(n ast.Node) bool {
				if s, ok := n.(*ast.TypeSpec); ok && s.Name.IsExported() {
					if _, ok := s.Type.(*ast.StructType); ok {
						names = append(names, parsed.Name.Name+"."+s.Name.Name)
					}
				}
				return true
			})
		}
	}
	require.Greater(t, len(names), 15)
	return names
}
