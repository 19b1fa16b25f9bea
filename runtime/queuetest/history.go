package queuetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
)

// A history is what the clients of one concurrency run did and were told, and
// what the store said once every job had ended. Times count from the start of
// the run on one process's monotonic clock.
type history struct {
	ops []op
	end ending
}

// An ending is what the store says of all the jobs after the run.
type ending struct {
	// logs holds the row of every attempt that was claimed, and of the one
	// after the last, which must not be there.
	logs map[attempt]logRow
	// dead lists the dead letters; deadKnown says that the queue can list them.
	dead      map[snowflake.ID]bool
	deadKnown bool
	// stats is the sum over the queues.
	stats runtime.JobQueueStats
	// claimable lists jobs that a last look found claimable or stealable.
	claimable []snowflake.ID
}

type attempt struct {
	job    snowflake.ID
	number int32
}

func (a attempt) String() string { return fmt.Sprintf("job %d attempt %d", a.job, a.number) }

type logRow struct {
	log *runtime.JobLog
	err error
}

type opKind uint8

const (
	opAdd opKind = iota
	opClaim
	opSteal
	opComplete
	opFail
	opRelease
	opCancel
)

func (k opKind) String() string {
	return [...]string{"add", "claim", "steal", "complete", "fail", "release", "cancel"}[k]
}

// An op is one call, or a batch call's share in one job.
type op struct {
	kind      opKind
	client    int
	call, ret time.Duration
	job       snowflake.ID
	err       error

	// Of everything but add and cancel.
	attempt int32
	handler string
	// remaining is the claimed job's AttemptsRemaining.
	remaining int32
	// batch says that it was part of a batch call.
	batch bool

	// Of add: what was asked for of which queue. due is the earliest moment of a claim, and
	// held says that AddAndClaim ignores it.
	max      int32
	work     time.Duration
	due      time.Duration
	held     bool
	queue    int
	withdrew bool // the transaction that added it was rolled back

	// Of complete and fail.
	log     string
	reason  string
	retryIn time.Duration
}

// String is one line of the history, for a report.
func (o op) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%9.3f–%-9.3f #%-3d %-8s job %d", ms(o.call), ms(o.ret), o.client, o.kind, o.job)
	switch o.kind {
	case opAdd:
		fmt.Fprintf(&b, " max %d work %v due %.3f", o.max, o.work, ms(o.due))
		if o.withdrew {
			b.WriteString(" rolled back")
		}
	case opCancel:
	case opClaim, opSteal:
		fmt.Fprintf(&b, " attempt %d by %s, %d left", o.attempt, o.handler, o.remaining)
	default:
		fmt.Fprintf(&b, " attempt %d by %s", o.attempt, o.handler)
		if o.retryIn > 0 {
			fmt.Fprintf(&b, " retry in %v", o.retryIn)
		}
	}
	if o.batch {
		b.WriteString(" (batch)")
	}
	if o.kind != opClaim && o.kind != opSteal || o.err != nil {
		fmt.Fprintf(&b, " → %s", outcomeName(o.err))
	}
	return b.String()
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// outcomeName is the sentinel of an error, or its text where it has none.
func outcomeName(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, runtime.ErrJobNotFound):
		return "ErrJobNotFound"
	case errors.Is(err, runtime.ErrJobNotClaimed):
		return "ErrJobNotClaimed"
	case errors.Is(err, runtime.ErrJobCancelled):
		return "ErrJobCancelled"
	case errors.Is(err, runtime.ErrInvalidJobType):
		return "ErrInvalidJobType"
	}
	return err.Error()
}

// A recorder collects the ops of all clients. Each client fills a buffer of
// its own, so that recording does not serialise what it watches.
type recorder struct {
	start time.Time

	mu   sync.Mutex
	logs []*clientLog
}

func newRecorder() *recorder { return &recorder{start: time.Now()} }

// client returns a new buffer, for one goroutine.
func (r *recorder) client() *clientLog {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := &clientLog{recorder: r, id: len(r.logs)}
	r.logs = append(r.logs, c)
	return c
}

// ops returns what all clients recorded, by time of call. The clients must
// have stopped.
func (r *recorder) ops() []op {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []op
	for _, c := range r.logs {
		all = append(all, c.ops...)
	}
	slices.SortStableFunc(all, func(a, b op) int { return int(a.call - b.call) })
	return all
}

type clientLog struct {
	recorder *recorder
	id       int
	ops      []op
}

func (c *clientLog) now() time.Duration { return time.Since(c.recorder.start) }

// record adds an op that was called at call and has just returned.
func (c *clientLog) record(call time.Duration, o op) {
	o.client, o.call, o.ret = c.id, call, c.now()
	c.ops = append(c.ops, o)
}
