package waiter_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sfsturbo/waiter"
)

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
