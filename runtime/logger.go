package runtime

import (
	"context"
	"log/slog"
	"sync"
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

// An attempt is a claimed job while this process works on it.
type attempt struct {
	job  *Job
	base *slog.Logger
	log  func() *slog.Logger

	cancel context.CancelCauseFunc // set by the Worker
}

func newAttempt(job *Job, base *slog.Logger) *attempt { return &attempt{job: job, base: base} }

// context returns parent as the attempt's function gets it.
func (a *attempt) context(parent context.Context) context.Context {
	a.log = sync.OnceValue(a.newLogger)
	return context.WithValue(parent, attemptKey{}, a)
}

func (a *attempt) logger() *slog.Logger { return a.log() }

// newLogger is called by the first line that is logged, so that a handler
// which logs nothing pays for nothing.
func (a *attempt) newLogger() *slog.Logger {
	own := slog.NewTextHandler(a.job.JobClaim, &slog.HandlerOptions{Level: slog.LevelDebug})
	return slog.New(slog.NewMultiHandler(own, a.base.Handler())).With(a.attrs()...)
}

// attrs names the attempt in a log line.
func (a *attempt) attrs() []any {
	return []any{
		"queue", a.job.Queue.Name(), "job", int64(a.job.ID), "type", string(a.job.Type),
		"attempt", a.job.AttemptNumber, "handler", a.job.HandlerID,
	}
}
