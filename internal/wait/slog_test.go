package wait

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

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

	t.Run("makes groups of namespaces and objects", func(t *testing.T) {
		log, out := logger(slog.LevelInfo)
		object := zapcore.ObjectMarshalerFunc(func(e zapcore.ObjectEncoder) error { e.AddInt("b", 2); e.AddInt("a", 1); return nil })
		log.With(zap.Int("x", 1), zap.Namespace("g"), zap.Int("y", 2)).Info("m", zap.Object("o", object), zap.Namespace("h"), zap.Int("z", 3))
		require.Equal(t, "level=INFO msg=m x=1 g.y=2 g.o.a=1 g.o.b=2 g.h.z=3\n", out.String())
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
