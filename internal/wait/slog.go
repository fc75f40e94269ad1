package wait

import (
	"context"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"

	"go.uber.org/zap/zapcore"
)

// SlogCore returns a zap core that writes to a handler of log/slog what this package logs: it knows
// no namespaces and no objects. It is safe for concurrent use, as handlers are.
func SlogCore(h slog.Handler) zapcore.Core { return slogCore{h} }

type slogCore struct{ handler slog.Handler }

// Enabled implements [zapcore.LevelEnabler].
func (c slogCore) Enabled(l zapcore.Level) bool {
	return c.handler.Enabled(context.Background(), slogLevel(l))
}

// slogLevel returns the level of the same name: those of log/slog are four apart.
func slogLevel(l zapcore.Level) slog.Level { return slog.Level(4 * l) }

// With implements [zapcore.Core].
func (c slogCore) With(fields []zapcore.Field) zapcore.Core {
	return slogCore{c.handler.WithAttrs(attrs(fields))}
}

// Check implements [zapcore.Core].
func (c slogCore) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return checked.AddCore(e, c)
	}
	return checked
}

// Write implements [zapcore.Core].
func (c slogCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	record := slog.NewRecord(e.Time, slogLevel(e.Level), e.Message, source())
	record.AddAttrs(attrs(fields)...)
	return c.handler.Handle(context.Background(), record)
}

// Sync implements [zapcore.Core]. Handlers do not buffer.
func (slogCore) Sync() error { return nil }

// source is where the line was logged: a zap.Logger knows that only if it was made to.
func source() uintptr {
	var pcs [16]uintptr
	n := runtime.Callers(3, pcs[:]) // not this function, nor Write
	for _, pc := range pcs[:n] {
		frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
		if !strings.HasPrefix(frame.Function, "go.uber.org/zap") {
			return pc
		}
	}
	return 0
}

// attrs returns fields in their order. One field may be several attributes, as an error with a
// verbose form is, or none.
func attrs(fields []zapcore.Field) (list []slog.Attr) {
	for _, f := range fields {
		enc := zapcore.NewMapObjectEncoder()
		f.AddTo(enc)
		for _, key := range slices.Sorted(maps.Keys(enc.Fields)) {
			list = append(list, slog.Any(key, enc.Fields[key]))
		}
	}
	return list
}
