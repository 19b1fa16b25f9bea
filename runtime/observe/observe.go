// Package observe is how a runtime.Worker tells a program what it does, for
// metrics, traces and alerts. It holds nothing but the events and the interface
// that receives them.
package observe

import (
	"context"
	"time"

	"github.com/bwmarrin/snowflake"
)

// An Observer is told what a Worker does: it is where metrics and traces come
// from. Give it with runtime.WithObserver.
type Observer interface {
	// AttemptBegins is called before a handler, in its goroutine, with an event of
	// kind [AttemptBegun]. The handler gets the context that it returns, which is
	// ctx or derived from it. A panic changes nothing but the attempt's log; what
	// ends the goroutine ends the attempt.
	AttemptBegins(ctx context.Context, begun Event) context.Context

	// Observe gets all other events, one after the other, shortly after each
	// has happened, from one goroutine for each queue. Where it takes too long,
	// events are skipped, which the Worker's logger says.
	Observe(event Event)
}

// A Kind says what a Worker has done or met.
type Kind string

// The kinds of events. Each has Kind, Time and Queue; the comments name the
// further fields of [Event] that are set.
const (
	// AttemptBegun: the job's fields, Waited.
	AttemptBegun Kind = "attempt begun"
	// AttemptEnded: the job's fields, Context, Outcome, Waited, Took; Err and Reason
	// where the handler failed.
	AttemptEnded Kind = "attempt ended"
	// JobDied: the job's fields, Reason. The job has failed without attempts
	// remaining, or the claim on its last attempt is over, which whichever Worker
	// finds it says; HandlerID is then who held that claim.
	JobDied Kind = "job died"
	// ClaimLost: the job's fields, Err. The job was cancelled or taken over
	// while it ran.
	ClaimLost Kind = "claim lost"
	// OutcomeLate: the job's fields, Outcome, Reason. The outcome came too late to
	// count, for that reason.
	OutcomeLate Kind = "outcome late"
	// OutcomeRefused: the job's fields, Outcome, Err. The store refuses the outcome,
	// which is tried again by itself or becomes a failure.
	OutcomeRefused Kind = "outcome refused"
	// OutcomeDropped: the job's fields, Outcome, Err. The outcome could not be
	// written before its claim expired. The job is taken over and runs again.
	OutcomeDropped Kind = "outcome dropped"
	// JobsClaimed: N, Took. The Worker has claimed N jobs in one round trip.
	JobsClaimed Kind = "jobs claimed"
	// OutcomesWritten: N, Took. The Worker has written N outcomes in one round trip.
	OutcomesWritten Kind = "outcomes written"
	// UnhandledWaiting: N, Types. Due jobs wait that the Worker has no handler
	// for, by type or by version of the payload: N of the first 10,000 jobs. It
	// leaves them for a program that understands them. Without one, they wait
	// forever. The Worker looks once a minute, or less often while looking
	// takes more than a second, and says once with N = 0 when there are none
	// any longer.
	UnhandledWaiting Kind = "unhandled waiting"
	// StoreAway: Err. The store does not answer any more.
	StoreAway Kind = "store away"
	// StoreBack says that the store answers again.
	StoreBack Kind = "store back"
)

// An Event is one thing that a Worker has done or met.
type Event struct {
	Kind  Kind
	Time  time.Time
	Queue string

	// The job's fields.
	JobID             snowflake.ID
	JobType           string
	PayloadVersion    int16
	AttemptNumber     int32 // counted from 0
	HandlerID         string
	AttemptsRemaining int32 // after this attempt; math.MaxInt32 where they are unlimited

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
	Types []UnhandledType
}

// An UnhandledType is a job type at a version of its payload that the Worker has
// no handler for.
type UnhandledType struct {
	Type    string
	Version int16
	// Waiting counts the due jobs of that type and version that wait.
	Waiting int64
}
