package sqlite

import (
	"sync"

	"github.com/jobgen/jobgen/runtime/internal/wake"
)

// A queueState is what this process knows of one queue: who waits for its jobs,
// who has claims on them, and which values of the queue's counters have woken
// them.
type queueState struct {
	arrived *wake.One
	revoked wake.All
	awaited sync.Once // begins to watch for arrivals

	mu     sync.Mutex
	number int64 // of the queue that has the name, as far as is known
	seen   counters
}

// counters are those of a queue's row. Each goes up by one with a commit that
// concerns the waiters.
type counters struct{ arrivals, revoked int64 }

// opened takes note of a queue's row. Whoever asks for the queue now looks for
// jobs anyway, so the first row is no reason to wake.
func (s *queueState) opened(number int64, now counters) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if number > s.number { // numbers grow
		s.number, s.seen = number, now
	}
}

// known is the number of the queue that has the name, or 0.
func (s *queueState) known() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.number
}

// gone takes note of a queue that does not exist any more.
func (s *queueState) gone(number int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if number == s.number {
		s.number, s.seen = 0, counters{}
	}
}

// made wakes after a commit of this process; 0 is none. The watcher need not
// do it again, unless another process committed in between.
func (s *queueState) made(number int64, own counters) {
	s.mu.Lock()
	if number == s.number {
		if own.arrivals == s.seen.arrivals+1 {
			s.seen.arrivals++
		}
		if own.revoked == s.seen.revoked+1 {
			s.seen.revoked++
		}
	}
	s.mu.Unlock()
	s.wake(own.arrivals > 0, own.revoked > 0)
}

// found wakes if the file has news.
func (s *queueState) found(number int64, now counters) {
	s.mu.Lock()
	if number > s.number {
		s.number, s.seen = number, counters{}
	}
	arrived, revoked := now.arrivals > s.seen.arrivals, now.revoked > s.seen.revoked
	s.seen.arrivals, s.seen.revoked = max(s.seen.arrivals, now.arrivals), max(s.seen.revoked, now.revoked)
	s.mu.Unlock()
	s.wake(arrived, revoked)
}

func (s *queueState) wake(arrived, revoked bool) {
	if arrived {
		s.arrived.Wake()
	}
	if revoked {
		s.revoked.Wake()
	}
}

// queueStates are the states of all queues that somebody has asked for, by
// name. The zero value is ready.
type queueStates struct {
	mu     sync.Mutex
	byName map[string]*queueState
}

// get returns the state of a queue.
func (s *queueStates) get(name string) *queueState {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byName == nil {
		s.byName = make(map[string]*queueState)
	}
	state := s.byName[name]
	if state == nil {
		state = &queueState{arrived: wake.NewOne()}
		s.byName[name] = state
	}
	return state
}

// known returns the state of a queue that somebody has asked for, or nil.
func (s *queueStates) known(name string) *queueState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byName[name]
}
