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
	"net/http"
	"path/filepath"
	"strings"
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
