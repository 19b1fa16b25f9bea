package runtime

import (
	"context"
	"errors"
	"log/slog"

	"github.com/jobgen/jobgen/runtime/internal/engine"
)

// Logger returns the logger of the attempt that ctx belongs to: inside a
// handler, or the function given to Exec, its lines go to the attempt's log,
// which is kept with the attempt and returned by Log, and to the worker's own
// logger, with queue, job, type, attempt and handler as attributes. Elsewhere
// it returns slog.Default(). A panic of the worker's logger does not reach the
// handler.
func Logger(ctx context.Context) *slog.Logger {
	if t, ok := ctx.Value(engine.TaskKey{}).(*task); ok {
		return t.attemptLogger()
	}
	return slog.Default()
}

// guardedLogger returns a logger whose handler cannot panic.
func guardedLogger(logger *slog.Logger) *slog.Logger {
	return slog.New(guardedHandler{logger.Handler()})
}

// A guardedHandler makes errors of the panics of a handler, which may be the
// user's.
type guardedHandler struct{ handler slog.Handler }

// Enabled implements [slog.Handler].
func (h guardedHandler) Enabled(ctx context.Context, level slog.Level) (enabled bool) {
	defer func() { _ = recover() }()
	return h.handler.Enabled(ctx, level)
}

// Handle implements [slog.Handler].
func (h guardedHandler) Handle(ctx context.Context, record slog.Record) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = errors.New("log: " + engine.PanicText(value))
		}
	}()
	return h.handler.Handle(ctx, record)
}

// WithAttrs implements [slog.Handler].
func (h guardedHandler) WithAttrs(attrs []slog.Attr) (with slog.Handler) {
	defer func() {
		if recover() != nil {
			with = h // without the attributes
		}
	}()
	return guardedHandler{h.handler.WithAttrs(attrs)}
}

// WithGroup implements [slog.Handler].
func (h guardedHandler) WithGroup(name string) (with slog.Handler) {
	defer func() {
		if recover() != nil {
			with = h // without the group
		}
	}()
	return guardedHandler{h.handler.WithGroup(name)}
}
