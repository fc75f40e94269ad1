package otelwaiter_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/sfsturbo/waiter"
	otelwaiter "github.com/sfsturbo/waiter/integrations/otel"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

func TestWaitSpan(t *testing.T) {
	bubble(t, "of a success has its attributes, and an event for each transition and each run of failures", func(t *testing.T) {
		o := newTelemetry(t)
		start := time.Now()
		down := &poller.Error{StatusCode: 503, Message: "planted message"}
		ended := poller.Reply{Job: job(status.Success, sub("check_ldap", status.Success)), ServerTime: time.Date(2026, 1, 2, 3, 4, 12, 0, time.UTC)}
		ended.Job.EndTime = "2026-01-02 03:04:05"
		slow := waiter.WithTrace(&waiter.Trace{PollEnd: func(_ context.Context, e waiter.PollEnd) {
			if len(e.Transitions) > 0 {
				time.Sleep(time.Second) // another hook, which does not make the transition later
			}
		}})
		w := newWaiter(t, responses(job(status.Waiting), down, down, job(status.Running), ended), slow, o.trace())
		ctx, call := o.call()
		_, err := w.Wait(ctx, id)
		require.NoError(t, err)

		s := o.only("sfsturbo.wait")
		require.Equal(t, trace.SpanKindInternal, s.SpanKind)
		require.Equal(t, call.SpanContext().SpanID(), s.Parent.SpanID())
		require.Empty(t, s.Links)
		require.Equal(t, sdktrace.Status{}, s.Status)
		require.Equal(t, map[string]any{
			"sfsturbo.job.id": id, "sfsturbo.job.type": "bind_ldap", "sfsturbo.outcome": "success",
			"sfsturbo.wait.polls": int64(5), "sfsturbo.wait.failed_polls": int64(2), "sfsturbo.job.detection_delay": 7.,
		}, attributes(s.Attributes))
		type event struct {
			name string
			at   time.Duration
			with map[string]any
		}
		var events []event
		for _, e := range s.Events {
			events = append(events, event{e.Name, e.Time.Sub(start), attributes(e.Attributes)})
		}
		require.Equal(t, []event{
			{"sfsturbo.transition", 0, map[string]any{"sfsturbo.job.type": "bind_ldap", "sfsturbo.status.to": "waiting"}},
			{"sfsturbo.poll_failed", 11 * time.Second, map[string]any{"sfsturbo.verdict": "passing", "sfsturbo.kind": "503"}},
			{"sfsturbo.transition", 31 * time.Second, map[string]any{"sfsturbo.job.type": "bind_ldap", "sfsturbo.status.from": "waiting", "sfsturbo.status.to": "running"}},
			{"sfsturbo.transition", 42 * time.Second, map[string]any{"sfsturbo.sub_job": "check_ldap", "sfsturbo.job.type": "check_ldap", "sfsturbo.status.to": "success"}},
			{"sfsturbo.transition", 42 * time.Second, map[string]any{"sfsturbo.job.type": "bind_ldap", "sfsturbo.status.from": "running", "sfsturbo.status.to": "success"}},
		}, events)
		require.Empty(t, o.named("sfsturbo.poll"), "they were not asked for")
	})

	bubble(t, "of a failure has the code, and the error's text", func(t *testing.T) {
		o := newTelemetry(t)
		failed := job(status.Failed)
		failed.ErrorCode, failed.FailReason = "SFS.TURBO.0100", "the LDAP server does not respond"
		_, err := newWaiter(t, responses(failed), o.trace(), waiter.WithJobType("bind_ldap")).Wait(t.Context(), id, waiter.From(job(status.Running)))
		require.ErrorIs(t, err, waiter.ErrJobFailed)
		s := o.only("sfsturbo.wait")
		require.Equal(t, sdktrace.Status{Code: codes.Error, Description: err.Error()}, s.Status)
		require.Equal(t, map[string]any{
			"sfsturbo.job.id": id, "sfsturbo.job.type": "bind_ldap", "sfsturbo.wait.resumed": true, "sfsturbo.outcome": "failed",
			"error.type": "SFS.TURBO.0100", "sfsturbo.wait.polls": int64(1), "sfsturbo.wait.failed_polls": int64(0),
		}, attributes(s.Attributes))
		require.Equal(t, map[string]any{
			"sfsturbo.job.type": "bind_ldap", "sfsturbo.status.from": "running", "sfsturbo.status.to": "failed", "error.type": "SFS.TURBO.0100",
		}, attributes(s.Events[0].Attributes))
	})
}

func TestErrorType(t *testing.T) {
	broken := sub("check_ldap", status.Failed)
	broken.ErrorCode = "SFS.TURBO.0101"
	unsaved := waiter.WithCheckpoints(func(context.Context, status.Job, status.Transition) error { return errors.New("the disk is full") })
	for want, test := range map[string]struct {
		outcome string
		steps   []any
		opts    []waiter.Option
	}{
		"SFS.TURBO.0101": {"failed", []any{job(status.Success, broken)}, []waiter.Option{waiter.WithStrictSubJobs()}},
		"failed":         {"failed", []any{job(status.Failed)}, nil},
		"SFS.TURBO.0019": {"not_found", []any{&poller.Error{StatusCode: 404, Code: "SFS.TURBO.0019"}}, nil},
		"unauthorized":   {"unauthorized", []any{&credential.Error{Rejected: true, Err: errors.New("no")}}, nil},
		"timeout":        {"timeout", []any{&poller.Error{StatusCode: 503, Code: "APIGW.0201"}}, nil},
		"stalled":        {"stalled", []any{job(status.Running)}, []waiter.Option{waiter.WithStallLimit(30 * time.Second)}},
		"checkpoint":     {"checkpoint", []any{job(status.Running)}, []waiter.Option{unsaved}},
	} {
		bubble(t, "is "+want, func(t *testing.T) {
			o := newTelemetry(t)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := newWaiter(t, responses(test.steps...), append(test.opts, o.trace())...).Wait(ctx, id)
			require.Equal(t, test.outcome, waiter.Outcome(err))
			got := attributes(o.only("sfsturbo.wait").Attributes)
			require.Equal(t, want, got["error.type"])
			require.Equal(t, test.outcome, got["sfsturbo.outcome"])
		})
	}

	bubble(t, "is a failed sub-job's code where that ends the wait", func(t *testing.T) {
		o := newTelemetry(t)
		_, err := newWaiter(t, responses(job(status.Running, broken)), waiter.WithFailFast(), o.trace()).Wait(t.Context(), id)
		require.ErrorIs(t, err, waiter.ErrSubJobFailed)
		require.Equal(t, "SFS.TURBO.0101", attributes(o.only("sfsturbo.wait").Attributes)["error.type"])
	})

	bubble(t, "is not there when the caller cancels, which is no error", func(t *testing.T) {
		o := newTelemetry(t)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		_, err := newWaiter(t, responses(job(status.Running)), o.trace()).Wait(ctx, id)
		require.ErrorIs(t, err, context.Canceled)
		s := o.only("sfsturbo.wait")
		require.Equal(t, sdktrace.Status{}, s.Status)
		require.NotContains(t, attributes(s.Attributes), "error.type")
		require.Equal(t, "canceled", attributes(s.Attributes)["sfsturbo.outcome"])
	})
}

func TestPollSpan(t *testing.T) {
	bubble(t, "has the request id, and what the poll came to", func(t *testing.T) {
		o := newTelemetry(t)
		other := poller.Reply{Job: status.Job{ID: "another"}, RequestID: "req-3"}
		steps := responses(poller.Reply{Job: job(status.Running), RequestID: "req-1"},
			&poller.Error{StatusCode: 429, Code: "APIGW.0308", RequestID: "req-2"}, other, errors.New("planted message"), poller.Reply{Job: job(status.Success), RequestID: "req-5"})
		steps.took = time.Second
		_, err := newWaiter(t, steps, o.trace(otelwaiter.WithPollSpans())).Wait(t.Context(), id)
		require.NoError(t, err)
		wait := o.only("sfsturbo.wait")
		var got []map[string]any
		for _, s := range o.named("sfsturbo.poll") {
			require.Equal(t, wait.SpanContext.SpanID(), s.Parent.SpanID())
			require.Equal(t, time.Second, s.EndTime.Sub(s.StartTime))
			a := attributes(s.Attributes)
			require.Equal(t, id, a["sfsturbo.job.id"])
			delete(a, "sfsturbo.job.id")
			if a["status"] = s.Status.Description; s.Status.Code != codes.Error {
				delete(a, "status")
			}
			got = append(got, a)
		}
		require.Equal(t, []map[string]any{
			{"sfsturbo.poll.number": int64(1), "sfsturbo.verdict": "good", "sfsturbo.request.id": "req-1"},
			{"sfsturbo.poll.number": int64(2), "sfsturbo.verdict": "throttled", "sfsturbo.request.id": "req-2", "sfsturbo.kind": "429", "error.type": "APIGW.0308", "status": "429"},
			{"sfsturbo.poll.number": int64(3), "sfsturbo.verdict": "passing", "sfsturbo.request.id": "req-3", "sfsturbo.kind": "bad answer", "error.type": "bad answer", "status": "bad answer"},
			{"sfsturbo.poll.number": int64(4), "sfsturbo.verdict": "passing", "sfsturbo.kind": "other", "error.type": "other", "status": "other"},
			{"sfsturbo.poll.number": int64(5), "sfsturbo.verdict": "good", "sfsturbo.request.id": "req-5"},
		}, got)
	})

	bubble(t, "of a poll that the caller cancels is no error", func(t *testing.T) {
		o := newTelemetry(t)
		hang := poller.Func(func(ctx context.Context, _ string) (poller.Reply, error) {
			<-ctx.Done()
			return poller.Reply{}, ctx.Err()
		})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := newWaiter(t, hang, o.trace(otelwaiter.WithPollSpans())).Wait(ctx, id)
		require.ErrorIs(t, err, context.Canceled)
		s := o.only("sfsturbo.poll")
		require.Equal(t, sdktrace.Status{}, s.Status)
		require.Equal(t, map[string]any{"sfsturbo.job.id": id, "sfsturbo.poll.number": int64(1), "sfsturbo.verdict": "canceled"}, attributes(s.Attributes))
		require.Empty(t, o.only("sfsturbo.wait").Events)
		require.Empty(t, o.values("sfsturbo.poll.failures"))
		require.InDelta(t, 1, o.values("sfsturbo.polls")["sfsturbo.verdict=canceled"], 0)
	})

	for parent, opts := range map[string][]otelwaiter.Option{"sfsturbo.wait": nil, "sfsturbo.poll": {otelwaiter.WithPollSpans()}} {
		bubble(t, "of otelhttp's client is below "+parent, func(t *testing.T) {
			o := newTelemetry(t)
			server := pollertest.New()
			defer server.Close()
			endpoint, client := server.Memory()
			client.Transport = otelhttp.NewTransport(client.Transport, otelhttp.WithTracerProvider(o.tracers), otelhttp.WithMeterProvider(o.meters))
			p, err := poller.New(endpoint, "a-project", poller.WithHTTPClient(client), poller.WithCredential(credential.Token("a-token")))
			require.NoError(t, err)
			defer p.CloseIdleConnections()
			jobID := server.Add(pollertest.Script{Type: "bind_ldap", Steps: []pollertest.Step{{Job: status.Job{Status: status.Success}}}})
			_, err = newWaiter(t, p, o.trace(opts...)).Wait(t.Context(), jobID)
			require.NoError(t, err)
			require.Equal(t, o.only(parent).SpanContext.SpanID(), o.only("HTTP GET").Parent.SpanID())
		})
	}
}

func TestSpanSize(t *testing.T) {
	bubble(t, "is bounded, however many polls there are and however long the texts", func(t *testing.T) {
		o := newTelemetry(t, sdktrace.WithRawSpanLimits(sdktrace.SpanLimits{
			AttributeValueLengthLimit: -1, AttributeCountLimit: -1, EventCountLimit: -1, LinkCountLimit: -1, AttributePerEventCountLimit: -1, AttributePerLinkCountLimit: -1,
		}))
		long := strings.Repeat("ä", 10_000)
		n := 0
		p := poller.Func(func(context.Context, string) (poller.Reply, error) {
			if n++; n == 10_000 {
				failed := job(status.Failed)
				failed.Type, failed.ErrorCode, failed.FailReason = long, long, long
				return poller.Reply{Job: failed}, nil
			}
			flapping := status.Job{Type: long, Status: []status.Status{status.Running, status.Waiting}[n%2]}
			if n <= 30 {
				flapping.SubJobs = []status.Job{{ID: fmt.Sprint(n, long), Status: status.Status(long)}}
			}
			return poller.Reply{Job: flapping}, nil
		})
		_, err := newWaiter(t, p, o.trace()).Wait(t.Context(), id)
		require.ErrorIs(t, err, waiter.ErrJobFailed)
		s := o.only("sfsturbo.wait")
		require.Len(t, s.Events, 100)
		dropped := attributes(s.Attributes)["sfsturbo.wait.dropped_events"]
		require.EqualValues(t, 9_999+30+1-100, dropped)
		require.Equal(t, strings.Repeat("ä", 128), attributes(s.Attributes)["error.type"])
		size := len(s.Status.Description)
		for _, e := range s.Events {
			for k, v := range attributes(e.Attributes) {
				size += len(k) + len(v.(string))
			}
		}
		require.Less(t, size, 100*1000)
	})
}

func TestSecrets(t *testing.T) {
	bubble(t, "are in no span and no metric", func(t *testing.T) {
		o := newTelemetry(t)
		server := pollertest.New()
		defer server.Close()
		endpoint, client := server.Memory()
		echo := pollertest.Rule{Times: 1, Status: 503, Raw: `{"error_code":"APIGW.1","error_msg":"X-Auth-Token: planted-token-0123456789"}`}
		server.Fail(echo)
		echo.Status, echo.Skip = 400, 2
		server.Fail(echo)
		p, err := poller.New(endpoint, "a-project", poller.WithHTTPClient(client), poller.WithCredential(credential.Token("planted-token-0123456789")))
		require.NoError(t, err)
		defer p.CloseIdleConnections()
		own := responses(&url.Error{Op: "Get", URL: "https://user:planted-password@example.com/?X-Auth-Token=planted-token", Err: errors.New("reset")})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for _, p := range []poller.Poller{p, own} {
			jobID := server.Add(pollertest.Script{Type: "bind_ldap", Steps: []pollertest.Step{{Job: status.Job{Status: status.Running}}}})
			_, err = newWaiter(t, p, o.trace(otelwaiter.WithPollSpans())).Wait(ctx, jobID)
			require.ErrorIs(t, err, waiter.ErrUnfinished)
		}
		spans, err := json.Marshal(o.spans.GetSpans())
		require.NoError(t, err)
		metrics, err := json.Marshal(o.metrics())
		require.NoError(t, err)
		require.Contains(t, string(spans), "APIGW.1")
		require.NotContains(t, string(spans)+string(metrics), "planted-")
	})
}
