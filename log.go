package waiter

import (
	"errors"
	"log/slog"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/sfsturbo/waiter/internal/wait"
)

// WithLogger logs to l: a line for each transition and one at the end (Info), one for each run of
// the same failure and for each oddity of a response (Warn), and each poll at Debug. No line holds
// a token or a body. Without it and [WithSlog] nothing is logged; with both, both get each line.
func WithLogger(l *zap.Logger) Option {
	return func(c *config) error {
		if l == nil {
			return errors.New("WithLogger: the logger is nil; leave the option out to log nothing")
		}
		c.zap = l
		c.Log = c.logger()
		return nil
	}
}

// WithSlog logs to l what [WithLogger] logs, under the same keys and at the levels of the same
// names. The source of a line is its place in this module. Several waits may call l's handler at
// once.
func WithSlog(l *slog.Logger) Option {
	return func(c *config) error {
		if l == nil {
			return errors.New("WithSlog: the logger is nil; leave the option out to log nothing")
		}
		c.slog = wait.SlogCore(l.Handler())
		c.Log = c.logger()
		return nil
	}
}

type loggers struct {
	zap  *zap.Logger  // nil: none
	slog zapcore.Core // nil: none
}

func (l *loggers) logger() *zap.Logger {
	switch {
	case l.slog == nil:
		return l.zap
	case l.zap == nil:
		return zap.New(l.slog)
	}
	return l.zap.WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core { return zapcore.NewTee(core, l.slog) }))
}
