package queuetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/memory"
)

// A sequence is one try of the model test, as a test that stores are opened
// for: what is opened is closed when the sequence has ended.
type sequence struct {
	testing.TB
	t *rapid.T
}

func (s sequence) Cleanup(f func())          { s.t.Cleanup(f) }
func (s sequence) Context() context.Context  { return s.t.Context() }
func (s sequence) Error(args ...any)         { s.t.Error(args...) }
func (s sequence) Errorf(f string, a ...any) { s.t.Errorf(f, a...) }
func (s sequence) Fail()                     { s.t.Fail() }
func (s sequence) FailNow()                  { s.t.FailNow() }
func (s sequence) Failed() bool              { return s.t.Failed() }
func (s sequence) Fatal(args ...any)         { s.t.Fatal(args...) }
func (s sequence) Fatalf(f string, a ...any) { s.t.Fatalf(f, a...) }
func (s sequence) Helper()                   { s.t.Helper() }
func (s sequence) Log(args ...any)           { s.t.Log(args...) }
func (s sequence) Logf(f string, a ...any)   { s.t.Logf(f, a...) }

// A side is one of the two stores: its queues as several processes have them,
// and its clock.
type side struct {
	tb       testing.TB
	number   int
	store    Store
	services []*runtime.Store
	queues   [][]queue // by process
	names    []string  // of the queues
	probe    queue

	stands bool      // the clock does not run by itself
	read   time.Time // the store's time when it was last read
	at     time.Time // this process's time then
	added  int       // jobs with a due of their own
}

func openSide(tb testing.TB, number int, store Store) *side {
	tb.Helper()
	s := &side{tb: tb, number: number, store: store}
	for range 2 {
		s.services = append(s.services, store.Open(tb, catalogue))
	}
	s.probe = s.open(0, "clock")
	s.look()
	first := s.read
	s.look()
	s.stands = s.read.Equal(first)
	return s
}

func (s *side) open(process int, name string) queue {
	s.tb.Helper()
	opened, err := getQueue(s.tb.Context(), s.services[process], name)
	if err != nil {
		s.tb.Fatal(err)
	}
	return queue{opened}
}

// begin is the side for one sequence, with queues that are new.
func (s *side) begin(tb sequence, suffix string) *side {
	tb.Helper()
	fresh := *s
	fresh.tb, fresh.queues = tb, make([][]queue, len(s.services))
	for _, name := range modelQueues {
		fresh.names = append(fresh.names, name+suffix)
		for i := range fresh.queues {
			fresh.queues[i] = append(fresh.queues[i], fresh.open(i, name+suffix))
		}
	}
	fresh.look()
	return &fresh
}

// look reads the store's clock.
func (s *side) look() {
	job, err := s.probe.AddAndClaim(s.tb.Context(), typeA, payloadA{}, "probe")
	if err == nil {
		err = job.Complete(s.tb.Context())
	}
	if err != nil {
		s.tb.Fatalf("read the store's clock: %v", err)
	}
	s.read, s.at = job.Created, time.Now()
}

// now is about what the store's clock shows.
func (s *side) now() time.Time {
	if s.stands {
		return s.read
	}
	return s.read.Add(time.Since(s.at))
}

// tick lets time pass for a clock that stands.
func (s *side) tick() {
	if s.stands {
		s.store.Advance(s.tb, tick)
		s.read = s.read.Add(tick)
	}
}

// advance lets d pass.
func (s *side) advance(d time.Duration) {
	s.store.Advance(s.tb, d)
	s.look()
}

// due is a time that lies d from now. Of two that are the same d off the
// later one is later.
func (s *side) due(d time.Duration) runtime.JobOption {
	s.added++
	return runtime.JobOptions.Due(s.read.Add(d + time.Duration(s.added)*time.Millisecond))
}

// A reference is runtime/memory under a clock that moves as it is told.
type reference struct {
	*memory.Store
	clock *memory.Clock
}

func newReference(t testing.TB) Store {
	clock := memory.NewClock(time.Now())
	store, err := memory.New(catalogue, memory.WithClock(clock.Now))
	if err != nil {
		t.Fatal(err)
	}
	return reference{store, clock}
}

func (r reference) Open(t testing.TB, catalogue *runtime.Catalogue) *runtime.Store {
	store, err := r.Store.Open(catalogue)
	if err != nil {
		t.Fatal(err)
	}
	return store.Store
}

func (r reference) Advance(_ testing.TB, d time.Duration) { r.clock.Advance(d) }

// A place is where a call goes: a process and a queue.
type place struct{ process, queue int }

func (p place) String() string { return fmt.Sprintf("process %d queue %d", p.process, p.queue) }

func (s *side) queue(p place) queue { return s.queues[p.process][p.queue] }

// place draws one, mostly on the first queue.
func drawPlace(t *rapid.T) place {
	return place{
		process: rapid.IntRange(0, 1).Draw(t, "process"),
		queue:   rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "queue"),
	}
}

// both makes a call on either side and holds that the errors are alike.
func both[R any](t *rapid.T, m *model, do func(s *side) (R, error)) (onReal, onRef R) {
	t.Helper()
	m.real.tick()
	m.ref.tick()
	onRef, refErr := do(m.ref)
	onReal, realErr := do(m.real)
	sameError(t, "the call", realErr, refErr)
	return onReal, onRef
}

// bothErr is both for a call that returns an error alone.
func bothErr(t *rapid.T, m *model, do func(s *side) error) {
	t.Helper()
	both(t, m, func(s *side) (struct{}, error) { return struct{}{}, do(s) })
}
