package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	goruntime "runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/memory"
	"github.com/jobgen/jobgen/runtime/observe"
)

// A harm is something that code of the user can do instead of returning.
type harm func()

var harms = []harm{
	func() { panic("boom") },
	func() { panic(errors.New("an error")) },
	func() { panic(hostileValue{}) },
	func() { panic(&hostileError{harm: func() { panic("again") }}) },
	func() { panic(nil) },
	func() { goruntime.Goexit() },
	func() { var e *typedNil; _ = e.text },
	func() { var list []int; _ = list[len(list)] },
}

// A hostileValue cannot be printed.
type hostileValue struct{}

func (hostileValue) String() string   { panic(hostileValue{}) }
func (hostileValue) GoString() string { panic(hostileValue{}) }

// A hostileError does harm in all of its methods.
type hostileError struct{ harm harm }

func (e *hostileError) Error() string        { e.harm(); return "harmless" }
func (e *hostileError) Is(error) bool        { e.harm(); return false }
func (e *hostileError) As(any) bool          { e.harm(); return false }
func (e *hostileError) Unwrap() error        { e.harm(); return e }
func (e *hostileError) LogValue() slog.Value { e.harm(); return slog.Value{} }

type typedNil struct{ text string }

func (e *typedNil) Error() string { return e.text }

// A hostileHandler does harm in all methods of a slog.Handler.
type hostileHandler struct{ harm func() }

func (h hostileHandler) Enabled(context.Context, slog.Level) bool  { h.harm(); return true }
func (h hostileHandler) Handle(context.Context, slog.Record) error { h.harm(); return nil }
func (h hostileHandler) WithAttrs([]slog.Attr) slog.Handler        { h.harm(); return h }
func (h hostileHandler) WithGroup(string) slog.Handler             { h.harm(); return h }

// A hostileObserver does harm whenever it is told of something.
type hostileObserver struct{ harm func() }

func (o hostileObserver) AttemptBegins(context.Context, observe.Event) context.Context {
	panic("no context") // one that ended the handler's goroutine would end the attempt
}
func (o hostileObserver) Observe(observe.Event) { o.harm() }

// A hostileNote does harm where it is read.
type hostileNote struct{ Text string }

var readHarm = make(chan harm, 1)

func (n *hostileNote) UnmarshalJSON([]byte) error {
	select {
	case do := <-readHarm:
		do()
	default:
	}
	return nil
}

var hostileJob = runtime.Define[hostileNote]("hostile", "notes", runtime.JobMaxAttempts(1))

func TestTypedNilErrorIsAFailureWithAReason(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		start(t, store, handle(func(_ context.Context, job *runtime.Job, _ note) error {
			if job.AttemptNumber == 0 {
				return (*typedNil)(nil)
			}
			return nil
		}))
		id := enqueue(t, store)
		time.Sleep(time.Minute)
		synctest.Wait()
		if log := logOf(t, store, id, 0); log.Success || !strings.Contains(log.FailureReason, "its error could not be read") || !strings.Contains(log.FailureReason, "typedNil") {
			t.Errorf("the attempt left %+v", log)
		}
		if !logOf(t, store, id, 1).Success {
			t.Error("the next attempt did not succeed")
		}
	})
}

func TestExecOfATypedNilErrorIsAFailureWithAReason(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		enqueue(t, store)
		job, err := notes(t, store).TryClaim(t.Context(), "h")
		if err != nil {
			t.Fatal(err)
		}
		if err := job.Exec(t.Context(), func(context.Context) error { return (*typedNil)(nil) }); err == nil {
			t.Error("no error")
		}
		if log := logOf(t, store, job.ID, 0); !strings.Contains(log.FailureReason, "its error could not be read") {
			t.Errorf("the attempt left %+v", log)
		}
	})
}

func TestErrorThatBlocksHoldsUpNobodyElse(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		block := make(chan struct{})
		first := true
		start(t, store, handle(func(_ context.Context, _ *runtime.Job, _ note) error {
			if first {
				first = false
				return &hostileError{harm: func() { <-block }}
			}
			return nil
		}), runtime.WithHandlers(2))
		enqueue(t, store)
		synctest.Wait()
		for range 50 {
			enqueue(t, store)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := unfinished(t, store); n != 1 {
			t.Errorf("%d jobs are unfinished; want the one whose error blocks", n)
		}
		close(block)
	})
}

// What follows throws harm from every place where code of the user is called,
// in random combinations.
func TestNothingThatUserCodeDoesEndsTheProcessOrStallsOthers(t *testing.T) {
	for round := range 300 {
		seed := uint64(round)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inBubble(t, func(t *testing.T, store *memory.Store) { doHarm(t, store, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func doHarm(t *testing.T, _ *memory.Store, random *rand.Rand) {
	store, err := memory.New(runtime.NewCatalogue(noteJob, hostileJob))
	if err != nil {
		t.Fatal(err)
	}
	plan := make(map[snowflake.ID]func(ctx context.Context) error)
	any := func() harm { return harms[random.IntN(len(harms))] }
	sometimes := func(on bool) func() {
		do, odds := any(), 1+random.IntN(5)
		var n atomic.Int64
		return func() {
			if on && n.Add(1)%int64(odds) == 0 {
				do()
			}
		}
	}
	opts := []runtime.WorkerOption{
		runtime.WithHandlers(1 + random.IntN(4)),
		runtime.WithLogger(slog.New(hostileHandler{sometimes(random.IntN(2) == 0)})),
	}
	if random.IntN(2) == 0 {
		opts = append(opts, runtime.WithObserver(hostileObserver{sometimes(true)}))
	}
	mux := runtime.NewMux()
	mux.Handle(noteJob, func(ctx context.Context, job *runtime.Job, _ note) error {
		if do := plan[job.ID]; do != nil {
			return do(ctx)
		}
		return nil
	})
	mux.Handle(hostileJob, func(context.Context, *runtime.Job, hostileNote) error { return nil })

	var hostile, good []snowflake.ID
	for i := range 20 {
		do := any()
		switch random.IntN(6) {
		case 0, 1, 2:
			good = append(good, enqueue(t, store))
			continue
		case 3:
			id := enqueue(t, store, runtime.JobOptions.MaxAttempts(1))
			plan[id] = func(context.Context) error { do(); return nil }
			hostile = append(hostile, id)
		case 4:
			id := enqueue(t, store, runtime.JobOptions.MaxAttempts(1))
			plan[id] = func(ctx context.Context) error {
				runtime.Logger(ctx).Info("about to fail", "error", &hostileError{harm: func() { panic("logged") }})
				return fmt.Errorf("attempt %d: %w", i, error(&hostileError{harm: do}))
			}
			hostile = append(hostile, id)
		case 5:
			id := enqueue(t, store, runtime.JobOptions.MaxAttempts(1))
			plan[id] = func(context.Context) error { return &hostileError{harm: do} }
			hostile = append(hostile, id)
		}
	}
	if random.IntN(2) == 0 {
		select {
		case readHarm <- any():
		default:
		}
		id, err := runtime.Enqueue(t.Context(), store, hostileJob, &hostileNote{})
		if err != nil {
			t.Fatal(err)
		}
		hostile = append(hostile, id)
	}
	_, stop := start(t, store, mux, opts...)
	time.Sleep(5 * time.Minute)
	synctest.Wait()
	if n := unfinished(t, store); n != 0 {
		t.Errorf("%d jobs are unfinished", n)
	}
	for _, id := range good {
		succeeded := false
		for n := int32(0); n < 3 && !succeeded; n++ {
			log, err := notes(t, store).Log(t.Context(), id, n)
			succeeded = err == nil && log.Success
		}
		if !succeeded {
			t.Errorf("job %d did not succeed", id)
		}
	}
	for _, id := range hostile {
		if log := logOf(t, store, id, 0); !log.Success && log.FailureReason == "" {
			t.Errorf("job %d left %+v", id, log)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
