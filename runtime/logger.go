package runtime

import (
	"context"
	"log/slog"
)

// Logger returns the logger of the attempt that ctx belongs to: inside a
// handler, or the function given to Exec, its lines go to the attempt's log,
// which is kept with the attempt and returned by Log, and to the worker's own
// logger, with queue, job, type, attempt and handler as attributes. Elsewhere
// it returns slog.Default().
func Logger(ctx context.Context) *slog.Logger {
	if a, ok := ctx.Value(attemptKey{}).(*attempt); ok {
		return a.logger()
	}
	return slog.Default()
}

type attemptKey struct{}

// logger is made for the first line that is logged, so that a handler which
// logs nothing pays for nothing.
func (a *attempt) logger() *slog.Logger {
	a.logging.Do(func() {
		own := slog.NewTextHandler(a.job.JobClaim, &slog.HandlerOptions{Level: slog.LevelDebug})
		a.log = slog.New(slog.NewMultiHandler(own, a.base.Handler())).With(a.attrs()...)
	})
	return a.log
}

// attrs names the attempt in a log line.
func (a *attempt) attrs() []any {
	return []any{
		"queue", a.job.Queue.Name(), "job", int64(a.job.ID), "type", string(a.job.Type),
		"attempt", a.job.AttemptNumber, "handler", a.job.HandlerID,
	}
}
