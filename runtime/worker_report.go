package runtime

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/internal/engine"
	"github.com/jobgen/jobgen/runtime/observe"
)

// unhandledRepeat is how often a Worker says again which jobs wait that it has
// no handler for.
const unhandledRepeat = time.Hour

// A report makes log lines of a queue's events. It is used by one goroutine at a
// time.
type report struct {
	queue    string
	attempts *slog.Logger // the Worker's
	own      *slog.Logger // the same, with the queue's name; made by log

	said   []driver.TypeVersion // the types that were last reported as unhandled
	saidAt time.Time
}

// verbose reports whether successes are logged.
func (r *report) verbose() bool { return r.attempts.Enabled(context.Background(), slog.LevelDebug) }

// log logs an event.
func (r *report) log(e engine.Event) {
	if r.own == nil {
		r.own = r.attempts
		r.own = r.attempts.With("queue", r.queue)
	}
	switch e.Kind {
	case engine.AttemptEnded:
		r.ended(e)
	case engine.ClaimLost:
		r.attempts.Info("claim lost; cancelling its handler", append(taskOf(e).attrs(), "cause", e.Err)...)
	case engine.OutcomeLate:
		r.own.Info("the attempt's outcome came too late to count", append(failedWith(e), "reason", engine.ResultText(e.Result))...)
	case engine.OutcomeRefused:
		r.own.Warn("the store refuses an outcome; retrying it alone", append(named(e), "error", engine.ErrorText(e.Err))...)
	case engine.OutcomeDropped:
		r.own.Error("outcome dropped; the job will be taken over and run again", append(failedWith(e), "error", errorText(e.Err))...)
	case engine.ReleaseFailed:
		r.own.Warn("claims not released; they will expire", "jobs", e.N, "error", errorText(e.Err))
	case engine.ClaimsFailing:
		r.own.Warn("claiming fails; retrying", "error", errorText(e.Err))
	case engine.ClaimsWork:
		r.own.Info("claiming works again")
	case engine.OutcomesFailing:
		r.own.Warn("writing outcomes fails; retrying until their claims expire", "jobs", e.N, "error", errorText(e.Err))
	case engine.OutcomesWork:
		r.own.Info("writing outcomes works again")
	case engine.LostUnknown:
		r.own.Debug("asking for lost claims failed", "error", errorText(e.Err))
	case engine.UnhandledWaiting:
		r.unhandled(e)
	case engine.EventsSkipped:
		r.own.Error("events were skipped: the observer or the logger is too slow", "events", e.N)
	case engine.FailureRecorded:
		r.own.Warn("attempt failed; its job had been cancelled or completed", append(attemptOf(e), "error", e.Reason)...)
	case engine.JobDied:
		r.own.Error("job dead", append(attemptOf(e), "attempts", e.Of.Number+1, "error", e.Reason)...)
	case engine.ClaimsMade, engine.OutcomesWritten, engine.StoreAway, engine.StoreBack:
		// The observer's alone.
	}
}

// ended logs how an attempt ended.
func (r *report) ended(e engine.Event) {
	t := taskOf(e)
	switch e.Outcome {
	case driver.Failed:
		if !e.Attempt.Last() { // or what becomes of the job has a line, which says all
			r.attempts.Warn("attempt failed", append(t.attrs(), "error", e.Reason, "attempts_remaining", remainingText(t.attempt.Number, t.attempt.Remaining), "took", e.Took)...)
		}
	case driver.Released:
		r.attempts.Info("attempt released", append(t.attrs(), "error", e.Reason)...)
	case driver.Completed:
		r.attempts.Debug("attempt done", append(t.attrs(), "took", e.Took)...)
	}
	if at, ok := e.Attempt.Expires(); ok && e.Time.After(at) && e.Outcome != driver.Released {
		r.attempts.Warn("handler exceeded its max work duration; the job may have been stolen",
			append(t.attrs(), "max_work_duration", t.attempt.MaxWork, "took", e.Took)...)
	}
}

// unhandled logs that jobs wait which the Worker has no handler for, unless it
// has just said so.
func (r *report) unhandled(e engine.Event) {
	types := make([]driver.TypeVersion, len(e.Types))
	for i, t := range e.Types {
		types[i] = t.TypeVersion
	}
	if len(types) > 0 && (!slices.Equal(types, r.said) || time.Since(r.saidAt) > unhandledRepeat) {
		r.own.Warn("due jobs wait that this worker has no handler for; run a program that handles them", "types", types, "jobs", e.N)
		r.saidAt = time.Now()
	}
	r.said = types
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return engine.ErrorText(err)
}

func taskOf(e engine.Event) *task { return e.Attempt.Task.(*task) }

// attemptOf names the attempt that an event without a task is of.
func attemptOf(e engine.Event) []any {
	return []any{"job", int64(e.Of.Job), "type", e.Of.Type.Type, "attempt", e.Of.Number, "handler", e.Of.Handler}
}

// named is attemptOf and the attempt's outcome.
func named(e engine.Event) []any { return append(attemptOf(e), "outcome", outcomeNames[e.Outcome]) }

// failedWith is named and why the attempt failed, of which no other line may
// have told.
func failedWith(e engine.Event) []any {
	if e.Outcome != driver.Failed {
		return named(e)
	}
	return append(named(e), "attempt_error", e.Reason)
}

var outcomeNames = [...]string{driver.Completed: "completed", driver.Failed: "failed", driver.Released: "released"}

// eventKinds are the kinds of events that an [observe.Observer] is told of.
var eventKinds = map[engine.EventKind]observe.Kind{
	engine.AttemptEnded: observe.AttemptEnded, engine.JobDied: observe.JobDied, engine.ClaimLost: observe.ClaimLost,
	engine.OutcomeLate: observe.OutcomeLate, engine.OutcomeRefused: observe.OutcomeRefused, engine.OutcomeDropped: observe.OutcomeDropped,
	engine.ClaimsMade: observe.JobsClaimed, engine.OutcomesWritten: observe.OutcomesWritten,
	engine.UnhandledWaiting: observe.UnhandledWaiting, engine.StoreAway: observe.StoreAway, engine.StoreBack: observe.StoreBack,
}

// observing tells an observer of a queue's events.
func observing(observer observe.Observer, queue string) func(engine.Event) {
	return func(e engine.Event) {
		kind, ok := eventKinds[e.Kind]
		if !ok {
			return
		}
		event := observe.Event{Kind: kind, Time: e.Time, Queue: queue, Waited: e.Waited, Took: e.Took, Err: e.Err, Reason: e.Reason, N: e.N}
		claim := e.Of
		if e.Attempt != nil {
			claim = &e.Attempt.Claim
		}
		if claim != nil {
			event.JobID, event.JobType, event.PayloadVersion = claim.Job, claim.Type.Type, claim.Type.Version
			event.AttemptNumber, event.HandlerID = claim.Number, claim.Handler
			event.AttemptsRemaining = observedRemaining(claim.Number, claim.Remaining)
		}
		switch e.Kind {
		case engine.AttemptEnded:
			event.Outcome, event.Context = outcomeNames[e.Outcome], taskOf(e).observed
		case engine.OutcomeLate, engine.OutcomeRefused, engine.OutcomeDropped:
			event.Outcome = outcomeNames[e.Outcome]
		}
		if e.Kind == engine.OutcomeLate {
			event.Reason = engine.ResultText(e.Result)
		}
		for _, c := range e.Types {
			event.Types = append(event.Types, observe.UnhandledType{Type: c.Type, Version: c.Version, Waiting: c.Due - c.Claimed})
		}
		observer.Observe(event)
	}
}
