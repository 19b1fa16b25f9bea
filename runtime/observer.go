package runtime

import (
	"context"
	"time"

	"github.com/bwmarrin/snowflake"
)

// An Observer is told what a [Worker] does: it is where metrics and traces come
// from. Give it with [WithObserver].
type Observer interface {
	// AttemptBegins is called before a handler, in its goroutine, with an event of
	// kind [AttemptBegun]. The handler gets the context that it returns, which is
	// ctx or derived from it.
	AttemptBegins(ctx context.Context, begun Event) context.Context

	// Observe is told of all other events, one after the other, shortly after each
	// has happened, from one goroutine for each queue. Where it takes too long,
	// events are skipped, which the Worker's logger says.
	Observe(event Event)
}

// An EventKind says what a [Worker] has done or met.
type EventKind string

// The kinds of events. Each has Kind, Time and Queue; the comments name the
// further fields of [Event] that are set.
const (
	// AttemptBegun: the job's fields, Waited.
	AttemptBegun EventKind = "attempt begun"
	// AttemptEnded: the job's fields, Context, Outcome, Waited, Took; Err and Reason
	// where the handler failed.
	AttemptEnded EventKind = "attempt ended"
	// JobDied: the job's fields, Reason. The job has failed without attempts
	// remaining. A job whose last claim expires dies without an event.
	JobDied EventKind = "job died"
	// ClaimLost: the job's fields, Err. The job was cancelled or taken over
	// while it ran.
	ClaimLost EventKind = "claim lost"
	// OutcomeLate: the job's fields, Outcome, Reason. The outcome came too late to
	// count.
	OutcomeLate EventKind = "outcome late"
	// OutcomeRefused: the job's fields, Outcome, Err. The store refuses the outcome,
	// which is tried again by itself or becomes a failure.
	OutcomeRefused EventKind = "outcome refused"
	// OutcomeDropped: the job's fields, Outcome, Err. The outcome could not be
	// written before its claim expired. The job is taken over and runs again.
	OutcomeDropped EventKind = "outcome dropped"
	// JobsClaimed: N, Took. The Worker has claimed N jobs in one round trip.
	JobsClaimed EventKind = "jobs claimed"
	// OutcomesWritten: N, Took. The Worker has written N outcomes in one round trip.
	OutcomesWritten EventKind = "outcomes written"
	// UnhandledWaiting: N, Types. Due jobs wait that the Worker has no handler for,
	// by type or by version of the payload: N of the first 10,000 jobs. It leaves
	// them for a program that understands them; when none comes, they wait for good.
	// The Worker looks once a minute, or less often while looking takes more than a
	// second, and says once with N = 0 when there are none any longer.
	UnhandledWaiting EventKind = "unhandled waiting"
	// StoreAway: Err. The store does not answer any more.
	StoreAway EventKind = "store away"
	// StoreBack says that the store answers again.
	StoreBack EventKind = "store back"
)

// An Event is one thing that a [Worker] has done or met.
type Event struct {
	Kind  EventKind
	Time  time.Time
	Queue string

	// The job's fields.
	JobID             snowflake.ID
	JobType           JobType
	PayloadVersion    int16
	AttemptNumber     int32 // counted from 0
	HandlerID         string
	AttemptsRemaining int32 // after this attempt

	// Context is what [Observer.AttemptBegins] returned for the attempt.
	Context context.Context
	// Outcome is what becomes of the job: "completed", "failed" or "released", which
	// makes it due again without having used up an attempt.
	Outcome string
	// Waited is how long after its claim the handler began, and Took how long the
	// handler or the round trip took.
	Waited, Took time.Duration
	// Err is what the handler returned, or why something failed. Its methods may be
	// the user's.
	Err error
	// Reason is the text of Err, where that is the handler's, or says why.
	Reason string

	N     int
	Types []TypeStats
}
