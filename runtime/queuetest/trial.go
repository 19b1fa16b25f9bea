package queuetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/bwmarrin/snowflake"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/jobgen/jobgen/runtime"
)

// Job types that every behaviour may use.
const (
	typeA runtime.JobType = "a"
	typeB runtime.JobType = "b"
)

type payloadA struct {
	N    int    `json:"n"`
	Text string `json:"text,omitempty"`
}

type payloadB struct {
	Amount float64  `json:"amount"`
	Tags   []string `json:"tags"`
}

var (
	jobA      = runtime.Define[payloadA](typeA, "queue")
	jobB      = runtime.Define[payloadB](typeB, "queue")
	catalogue = runtime.NewCatalogue(jobA, jobB)
)

// limit is how long a test waits for what should come at once.
var limit = 20 * time.Second

// A trial is what one behaviour is tested on: a store of its own, opened by
// one process so far, and a queue.
type trial struct {
	testing.TB
	store   Store
	service *runtime.Store
	queue   queue
}

func newTrial(t testing.TB, h Harness) *trial {
	x := &trial{TB: t, store: h(t)}
	x.service, x.queue = x.process()
	return x
}

// process opens the store as one more process, and the queue in it.
func (x *trial) process() (*runtime.Store, queue) {
	x.Helper()
	service := x.store.Open(x, catalogue)
	return service, x.open(service, "queue")
}

func (x *trial) open(service *runtime.Store, name string) queue {
	x.Helper()
	opened, err := getQueue(x.Context(), service, name)
	x.must(err)
	if opened.Name() != name {
		x.Fatalf("queue %q says that its name is %q", name, opened.Name())
	}
	return queue{opened}
}

// getQueue returns a store's queue, making it on first use.
func getQueue(ctx context.Context, service *runtime.Store, name string) (*runtime.Queue, error) {
	queue, err := service.GetQueue(ctx, name)
	if err != nil {
		return nil, err
	}
	return queue.(*runtime.Queue), nil
}

// polls reports whether processes learn of each other's doings by looking
// alone.
func (x *trial) polls() bool {
	p, ok := x.store.(Poller)
	return ok && p.Polls()
}

func (x *trial) advance(d time.Duration) {
	x.Helper()
	x.store.Advance(x, d)
}

func (x *trial) must(err error) {
	x.Helper()
	if err != nil {
		x.Fatal(err)
	}
}

// is holds that err is want, nil included.
func (x *trial) is(err, want error) {
	x.Helper()
	if !errors.Is(err, want) || (want == nil) != (err == nil) {
		x.Errorf("error %v; want %v", err, want)
	}
}

// refused holds that something was an error that names what is wrong.
func (x *trial) refused(err error, what string) {
	x.Helper()
	if err == nil || err.Error() == "" {
		x.Errorf("%s was accepted", what)
	}
}

// same holds that got is what was wanted; empty and nil are alike.
func (x *trial) same(got, want any) {
	x.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		x.Errorf("difference (-want +got):\n%s", diff)
	}
}

func (x *trial) add(opts ...runtime.JobOption) snowflake.ID {
	x.Helper()
	id, err := x.queue.Add(x.Context(), typeA, payloadA{N: 1}, opts...)
	x.must(err)
	return id
}

func (x *trial) addAndClaim(handler string, opts ...runtime.JobOption) *runtime.Job {
	x.Helper()
	job, err := x.queue.AddAndClaim(x.Context(), typeA, payloadA{N: 1}, handler, opts...)
	x.must(err)
	return job
}

func (x *trial) claim(handler string) *runtime.Job {
	x.Helper()
	job, err := x.queue.TryClaim(x.Context(), handler)
	x.must(err)
	return job
}

func (x *trial) steal(handler string) *runtime.Job {
	x.Helper()
	job, err := x.queue.TrySteal(x.Context(), handler)
	x.must(err)
	return job
}

// longestRetry is the longest that a job waits after its attempt n has failed.
func longestRetry(n int) time.Duration {
	shortest := time.Duration(n+1) * runtime.BackoffDuration
	return shortest + shortest/10
}

// claims holds that the next job for handler is the one with that id.
func (x *trial) claims(handler string, id snowflake.ID) *runtime.Job {
	x.Helper()
	job := x.claim(handler)
	if job.ID != id {
		x.Fatalf("claimed job %d; want %d", job.ID, id)
	}
	return job
}

func (x *trial) steals(handler string, id snowflake.ID) *runtime.Job {
	x.Helper()
	job := x.steal(handler)
	if job.ID != id {
		x.Fatalf("stole job %d; want %d", job.ID, id)
	}
	return job
}

func (x *trial) nothingToClaim() {
	x.Helper()
	if job, err := x.queue.TryClaim(x.Context(), "another"); !errors.Is(err, runtime.ErrJobNotFound) {
		x.Errorf("claimed %v, %v; want %v", job, err, runtime.ErrJobNotFound)
	}
}

func (x *trial) nothingToSteal(handlers ...string) {
	x.Helper()
	for _, handler := range append(handlers, "another") {
		if job, err := x.queue.TrySteal(x.Context(), handler); !errors.Is(err, runtime.ErrJobNotFound) {
			x.Errorf("%s stole %v, %v; want %v", handler, job, err, runtime.ErrJobNotFound)
		}
	}
}

// over holds that no handler can get at anything, now or in a year.
func (x *trial) over() {
	x.Helper()
	x.nothingToClaim()
	x.nothingToSteal()
	x.advance(365 * 24 * time.Hour)
	x.nothingToClaim()
	x.nothingToSteal()
	x.stats(0, 0, 0)
}

// abandoned is a claim of a job that has expired since.
func (x *trial) abandoned(handler string, opts ...runtime.JobOption) *runtime.Job {
	x.Helper()
	x.add(append([]runtime.JobOption{runtime.JobOptions.MaxWorkDuration(time.Minute)}, opts...)...)
	job := x.claim(handler)
	x.advance(time.Minute)
	return job
}

// stolen is a job whose first attempt has expired and whose second is held by
// a thief.
func (x *trial) stolen(opts ...runtime.JobOption) (first, thief *runtime.Job) {
	x.Helper()
	first = x.abandoned("first", opts...)
	return first, x.steals("thief", first.ID)
}

func complete(x *trial, job *runtime.Job, log string) error {
	return x.queue.Complete(x.Context(), job.ID, job.HandlerID, job.AttemptNumber, []byte(log))
}

func fail(x *trial, job *runtime.Job, reason, log string) error {
	return x.queue.Fail(x.Context(), job.ID, job.HandlerID, job.AttemptNumber, reason, []byte(log))
}

// numbers holds what a claimed job says of its attempts.
func (x *trial) numbers(job *runtime.Job, attempt, remaining int32) {
	x.Helper()
	if job.JobClaim == nil {
		x.Fatalf("%v carries no claim", job)
	}
	type numbers struct{ AttemptNumber, AttemptsMade, AttemptsRemaining int32 }
	x.same(numbers{job.AttemptNumber, job.AttemptsMade, job.AttemptsRemaining}, numbers{attempt, attempt, remaining})
}

func (x *trial) stats(waiting, due, claimed int64) {
	x.Helper()
	got, err := x.queue.Stats(x.Context())
	x.must(err)
	x.same(got, runtime.JobQueueStats{Waiting: waiting, Due: due, Claimed: claimed})
}

func (x *trial) log(id snowflake.ID, attempt int32) runtime.JobLog {
	x.Helper()
	log, err := x.queue.Log(x.Context(), id, attempt)
	x.must(err)
	return *log
}

// succeeded holds that job's attempt stands there as a success with that log.
func (x *trial) succeeded(job *runtime.Job, log string) {
	x.Helper()
	x.same(x.log(job.ID, job.AttemptNumber), runtime.JobLog{
		AttemptNumber: job.AttemptNumber, HandlerID: job.HandlerID, Success: true, Log: []byte(log),
	})
}

// failed holds that job's attempt stands there as a failure.
func (x *trial) failed(job *runtime.Job, reason, log string) {
	x.Helper()
	x.same(x.log(job.ID, job.AttemptNumber), runtime.JobLog{
		AttemptNumber: job.AttemptNumber, HandlerID: job.HandlerID, FailureReason: reason, Log: []byte(log),
	})
}

// What stands in the log of attempts whose handlers said nothing.
const (
	takenOver      = "claim expired; taken over"
	noAttemptsLeft = "claim expired; no attempts left"
)

// superseded is the reason of an attempt that completed after the winner had.
func superseded(winner int32) string {
	return fmt.Sprintf("job cancelled: attempt %d has completed it", winner)
}

// within is a context for what should come at once.
func (x *trial) within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(x.Context(), d)
	x.Cleanup(cancel)
	return ctx
}

// eventually looks until it sees what another goroutine brings about.
func (x *trial) eventually(what string, look func() bool) {
	x.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !look() {
		select {
		case <-tick.C:
		case <-deadline:
			x.Fatalf("after %v still not: %s", limit, what)
		}
	}
}

// receive returns what comes through c.
func receive[T any](x *trial, c <-chan T, what string) T {
	x.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(limit):
		x.Fatalf("after %v still not: %s", limit, what)
		panic("unreachable")
	}
}

// together runs do n times at once and waits for all. do must not end the
// test.
func together(n int, do func(i int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() { <-start; do(i) })
	}
	close(start)
	all.Wait()
}
