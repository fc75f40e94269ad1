package wait

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
)

type verbose struct{}

func (verbose) Error() string              { return "short" }
func (verbose) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte("long")) }

func TestSlogCore(t *testing.T) {
	logger := func(level slog.Level) (*zap.Logger, *bytes.Buffer) {
		var out bytes.Buffer
		return zap.New(SlogCore(slog.NewTextHandler(&out, &slog.HandlerOptions{
			Level: level,
			ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey {
					return slog.Attr{}
				}
				return a
			},
		}))), &out
	}

	t.Run("writes each kind of field", func(t *testing.T) {
		log, out := logger(slog.LevelInfo)
		log.Info("m", zap.String("s", "x y"), zap.Int("n", 3), zap.Duration("d", 1500*time.Millisecond), zap.Error(errors.New("e")), zap.NamedError("none", nil))
		require.Equal(t, "level=INFO msg=m s=\"x y\" n=3 d=1.5s error=e\n", out.String())
	})

	t.Run("writes the fields of a logger first", func(t *testing.T) {
		log, out := logger(slog.LevelInfo)
		log.With(zap.Int("x", 1)).Info("m", zap.Int("a", 2))
		require.Equal(t, "level=INFO msg=m x=1 a=2\n", out.String())
	})

	t.Run("writes the verbose form of an error after its text", func(t *testing.T) {
		log, out := logger(slog.LevelInfo)
		log.Info("m", zap.Error(verbose{}))
		require.Equal(t, "level=INFO msg=m error=short errorVerbose=long\n", out.String())
	})

	t.Run("has the levels of the same names, and asks the handler which it wants", func(t *testing.T) {
		log, out := logger(slog.LevelInfo)
		log.Debug("d")
		log.Info("i")
		log.Warn("w")
		log.Error("e")
		require.Equal(t, "level=INFO msg=i\nlevel=WARN msg=w\nlevel=ERROR msg=e\n", out.String())
		log, out = logger(slog.LevelDebug)
		log.Debug("d")
		require.Equal(t, "level=DEBUG msg=d\n", out.String())
		require.NoError(t, log.Sync())
	})
}
