package postgres

import (
	"slices"
	"sync"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/internal/wake"
)

// A queueState is what this process knows of one queue: who waits for its jobs,
// who holds its claims, and where claiming has got to.
type queueState struct {
	arrived *wake.One
	revoked wake.All
	counts  *shared[driver.Counts]
	damping damping

	mu          sync.Mutex
	cursors     []*cursor // one for each list of job types that are claimed together
	sweepAlways bool
}

// cursor returns where claiming has got to for handlers of these types, nil for
// all.
func (s *queueState) cursor(types []driver.TypeVersion) *cursor {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.cursors {
		if (c.types == nil) == (types == nil) && slices.Equal(c.types, types) {
			return c
		}
	}
	c := &cursor{types: slices.Clone(types), always: s.sweepAlways}
	s.cursors = append(s.cursors, c)
	return c
}

// setBack makes every cursor look at jobs that became due at due once more.
func (s *queueState) setBack(priority int16, due time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.cursors {
		c.setBack(priority, due)
	}
}

// sweepSoon makes the next claim by each cursor a full sweep.
func (s *queueState) sweepSoon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.cursors {
		c.sweepSoon()
	}
}

// queueStates are the states of all queues by number.
type queueStates struct {
	mu          sync.Mutex
	byNumber    map[int32]*queueState
	sweepAlways bool // with every claim
}

func (s *queueStates) get(number int32) *queueState {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byNumber == nil {
		s.byNumber = make(map[int32]*queueState)
	}
	one := s.byNumber[number]
	if one == nil {
		one = &queueState{arrived: wake.NewOne(), counts: newShared[driver.Counts](), sweepAlways: s.sweepAlways}
		s.byNumber[number] = one
	}
	return one
}

// known returns the state of a queue that this process uses, and nil for others.
func (s *queueStates) known(number int32) *queueState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byNumber[number]
}

// wakeAll wakes everybody, where notifications may have been missed.
func (s *queueStates) wakeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.byNumber {
		jobArrived.wake(one)
		claimsRevoked.wake(one)
	}
}
