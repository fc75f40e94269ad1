package waiter_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

func TestLog(t *testing.T) {
	bubble(t, "is written for people: see testdata/log.golden", func(t *testing.T) {
		var lines strings.Builder
		failed := job("failed", status.Job{ID: "a", Type: "check_ldap", Status: "failed", FailReason: "connection timed out"})
		failed.ErrorCode = "SFS.TURBO.0100"
		got := wait(t.Context(), t, responses(
			job("waiting", sub("a", "paused")), httpError(503), httpError(503), httpError(502), job("running"), httpError(503),
			job("waiting", sub("b", "paused")), job("running"), failed,
		), status.Job{}, append(every(time.Second), waiter.WithLogger(logLines(&lines))))
		require.ErrorIs(t, got.err, waiter.ErrJobFailed)
		golden(t, "testdata/log.golden", lines.String())
	})

	specify(t, "has a line for each transition, with the job", func(t *testing.T, d driver) {
		core, logs := observer.New(zap.InfoLevel)
		got := d.wait(t.Context(), t, responses(job("running", sub("a", "running")), job("success", sub("a", "success"))), waiter.WithLogger(zap.New(core)))
		require.NoError(t, got.err)
		var lines []string
		for _, entry := range logs.FilterMessage("transition").All() {
			fields := entry.ContextMap()
			require.Equal(t, id, fields["job_id"])
			lines = append(lines, strings.TrimSpace(fields["sub_job"].(string)+" "+fields["from"].(string)+"->"+fields["to"].(string)))
		}
		require.Equal(t, got.lines(), lines)
	}, alone)

	specify(t, "has one line for a run of the same failure, and none for the one that is returned", func(t *testing.T, d driver) {
		core, logs := observer.New(zap.WarnLevel)
		list := responses(httpError(503), httpError(503), httpError(502), job("running"), httpError(502), httpError(401))
		require.Error(t, d.wait(t.Context(), t, list, waiter.WithLogger(zap.New(core))).err)
		var codes []string
		for _, entry := range logs.FilterMessage("poll failed").All() {
			text := entry.ContextMap()["error"].(string)
			codes = append(codes, digits.FindString(text))
		}
		require.Equal(t, []string{"503", "502", "502"}, codes)
	})

	specify(t, "has a debug line for each poll", func(t *testing.T, d driver) {
		core, logs := observer.New(zap.DebugLevel)
		got := d.wait(t.Context(), t, responses(job("running"), httpError(503), job("success")), waiter.WithLogger(zap.New(core)))
		require.NoError(t, got.err)
		require.Equal(t, 3, logs.FilterMessage("polled").Len())
	}, alone)

	specify(t, "has short lines whatever the service sends", func(t *testing.T, d driver) {
		core, logs := observer.New(zap.DebugLevel)
		long := status.Status(strings.Repeat("long\n", 100_000))
		require.NoError(t, d.wait(t.Context(), t, responses(job(long, sub(string(long), long)), job("success")), waiter.WithLogger(zap.New(core))).err)
		require.Positive(t, logs.Len())
		for _, entry := range logs.All() {
			require.Less(t, len(entry.Message), 1000)
			for key, value := range entry.ContextMap() {
				if text, ok := value.(string); ok {
					require.Less(t, len(text), 1000, key)
				}
			}
		}
	})

	for off, lines := range map[time.Duration]int{0: 0, 14 * time.Minute: 0, -15 * time.Minute: 1, 2 * time.Hour: 1} {
		bubble(t, "has one line for a Waiter whose clock is off by a quarter of an hour: "+off.String(), func(t *testing.T) {
			server := responses(job("running"), job("running"), job("success"))
			dated := fn(func(ctx context.Context, id string) (poller.Reply, error) {
				reply, err := server.Poll(ctx, id)
				reply.ServerTime = time.Now().Add(-off)
				return reply, err
			})
			core, logs := observer.New(zap.WarnLevel)
			w := newWaiter(t, dated, waiter.WithLogger(zap.New(core)))
			for range 2 {
				_, err := w.Wait(t.Context(), id)
				require.NoError(t, err)
			}
			require.Len(t, logs.All(), lines)
			for _, line := range logs.All() {
				require.Equal(t, off, line.ContextMap()["ahead"])
			}
		})
	}
}

// jsonLogger returns a logger of log/slog, and a func that decodes the lines that it has written.
func jsonLogger(options slog.HandlerOptions) (logger *slog.Logger, lines func(t *testing.T) []map[string]any) {
	var out bytes.Buffer
	return slog.New(slog.NewJSONHandler(&out, &options)), func(t *testing.T) (all []map[string]any) {
		t.Helper()
		for d := json.NewDecoder(&out); d.More(); {
			line := map[string]any{}
			require.NoError(t, d.Decode(&line))
			all = append(all, line)
		}
		return all
	}
}

func TestSlog(t *testing.T) {
	specify(t, "gets each line that zap gets, with its time, level, words and fields", func(t *testing.T, d driver) {
		core, zapped := observer.New(zap.DebugLevel)
		logger, lines := jsonLogger(slog.HandlerOptions{Level: slog.LevelDebug})
		list := responses(job("running", sub("a", "odd")), httpError(503), httpError(503), job("failed", sub("a", "failed")))
		require.Error(t, d.wait(t.Context(), t, list, waiter.WithLogger(zap.New(core)), waiter.WithSlog(logger)).err)
		var want []map[string]any
		for _, entry := range zapped.All() {
			fields := map[string]any{}
			data, err := json.Marshal(entry.ContextMap())
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(data, &fields))
			fields["time"], fields["level"], fields["msg"] = entry.Time.Format(time.RFC3339Nano), entry.Level.CapitalString(), entry.Message
			want = append(want, fields)
		}
		require.ElementsMatch(t, want, lines(t), "of WaitAll in any order")
		require.NotEmpty(t, want)
	})

	bubble(t, "alone gets what its handler wants", func(t *testing.T) {
		logger, lines := jsonLogger(slog.HandlerOptions{Level: slog.LevelWarn})
		w := newWaiter(t, responses(httpError(503), job("success")), append(every(time.Second), waiter.WithSlog(logger))...)
		_, err := w.Wait(t.Context(), id)
		require.NoError(t, err)
		all := lines(t)
		require.Len(t, all, 1)
		require.Equal(t, "poll failed", all[0]["msg"])
	})

	bubble(t, "keeps the attributes and groups of the logger, and shows the source", func(t *testing.T) {
		logger, lines := jsonLogger(slog.HandlerOptions{AddSource: true})
		w := newWaiter(t, responses(job("success")), waiter.WithSlog(logger.With("program", "provision").WithGroup("sfs")))
		_, err := w.Wait(t.Context(), id)
		require.NoError(t, err)
		line := lines(t)[0]
		require.Equal(t, "provision", line["program"])
		require.Equal(t, id, line["sfs"].(map[string]any)["job_id"])
		require.True(t, strings.HasSuffix(line["source"].(map[string]any)["file"].(string), "internal/wait/log.go"), line["source"])
	})

	bubble(t, "of a call replaces New's, and leaves zap's as it is", func(t *testing.T) {
		core, zapped := observer.New(zap.InfoLevel)
		first, before := jsonLogger(slog.HandlerOptions{})
		second, own := jsonLogger(slog.HandlerOptions{})
		w := newWaiter(t, responses(job("success"), job("success")), waiter.WithLogger(zap.New(core)), waiter.WithSlog(first))
		for range 2 {
			_, err := w.Wait(t.Context(), id, waiter.WithSlog(second))
			require.NoError(t, err)
		}
		require.Empty(t, before(t))
		require.Len(t, own(t), zapped.Len())
		require.Equal(t, 4, zapped.Len())
	})
}
