package waiter_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// Every log of every waiter of this run is searched for what must be in none.
func TestMain(m *testing.M) { goleak.VerifyTestMain(watched{m}) }

type watched struct{ *testing.M }

func (w watched) Run() int {
	code := w.M.Run()
	if found := wholeRun.found.String(); found != "" {
		fmt.Fprintln(os.Stderr, "a secret was logged:\n"+found)
		return 1
	}
	return code
}

// searched is a log's sink.
type searched struct {
	mu    sync.Mutex
	lines int
	found strings.Builder
}

var wholeRun searched

func (s *searched) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines++
	// All that the tests plant. It needs no list, so that it can't be left out of one.
	if bytes.Contains(line, []byte("planted-")) {
		s.found.Write(line[:min(len(line), 300)])
	}
	return len(line), nil
}

// logTo returns a logger that logs all.
func logTo(w io.Writer) *zap.Logger {
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(w), zap.DebugLevel))
}

// taught is a schedule that learns, and remembers what it was told.
type taught struct {
	backoff.BackOff
	told func(pace.Observation)
}

func (b taught) Observe(o pace.Observation) {
	b.told(o)
	b.BackOff.(pace.Observer).Observe(o)
}

// A mirror is a service that quotes, in every place that it can, what the requests
// prove themselves with. It remembers that.
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
	answer := &http.Response{StatusCode: 200, Header: http.Header{"X-Request-Id": {said}}, Request: r}
	var body any = map[string]any{"status": "running", "job_type": said, "sub_jobs": []any{map[string]any{"job_type": said, "status": said}}}
	switch m.polls {
	case 1:
		answer.StatusCode, body = 503, map[string]any{"error_code": said, "error_msg": said, "request_id": said}
	case 2:
		return nil, fmt.Errorf("malformed answer %q", said)
	case 3:
		body = said
	case 6:
		body = map[string]any{"status": "failed", "error_code": said, "fail_reason": said}
	}
	encoded, err := json.Marshal(body)
	answer.Body = io.NopCloser(bytes.NewReader(encoded))
	return answer, err
}

var plantedOptions = []any{
	credential.AccessKeyOptions{AccessKey: plantedAccessKey, SecretKey: plantedSecretKey, SecurityToken: plantedSecurity, ProjectID: "p"},
	credential.PasswordOptions{IAMEndpoint: "https://u:" + plantedPassword + "@iam", User: "user", Password: plantedPassword, Domain: "account", ProjectName: "p"},
}

// values are those of every exported struct type, as they come out of waits with
// every credential on a service that quotes secrets.
func values(t *testing.T) (held []any, secrets []string) {
	server := pollertest.New(pollertest.WithToken(secret), pollertest.WithTemporaryKey(plantedAccessKey, plantedSecretKey, plantedSecurity))
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
		credential.Token(secret), credential.TokenFunc(func(context.Context) (string, error) { return secret, nil }), key, password,
	} {
		p, err := poller.New(endpoint, "p", poller.WithHTTPClient(client), poller.WithCredential(c))
		require.NoError(t, err)
		told := func(tr status.Transition) { held = append(held, tr, tr.Job) }
		trace := &waiter.Trace{PollEnd: func(_ context.Context, r poller.Reply, err error) { held = append(held, r, err) }}
		w := newWaiter(t, p, waiter.OnTransition(told), waiter.WithTrace(trace), waiter.WithBackOff(func() backoff.BackOff {
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
		}
		held = append(held, c, p, *p, w, *w, job, failed, unfinished, progress, trace, *trace)
	}
	held = append(held, credential.Feedback{}, history, server, server.Requests(), server.Requests()[0], pollertest.Rule{Status: 401}, pollertest.Script{}, pollertest.Step{})
	held = append(held, plantedOptions...)
	return held, append(m.secrets, secret, plantedPassword, plantedSecretKey, plantedSecurity)
}

func TestNothingThatIsPrintedShowsASecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
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
	var log bytes.Buffer
	logTo(&log).Info("", zap.Any("value", v), zap.Reflect("reflected", v))
	return append(forms, log.String())
}

// exportedStructs reads the source, so that a new type can't be left out.
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
