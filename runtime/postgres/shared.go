package postgres

import (
	"context"
	"errors"
	"sync"
)

// shared answers callers that want the same at the same time: one asks for
// all that came before it began.
type shared[T any] struct {
	mu   sync.Mutex
	next *asking[T]    // not begun yet; who comes now may join
	turn chan struct{} // holds a value while somebody asks
}

func newShared[T any]() *shared[T] { return &shared[T]{turn: make(chan struct{}, 1)} }

type asking[T any] struct {
	done   chan struct{}
	answer T
	err    error
}

// share returns what ask does, called by this caller or another after this one
// came.
func (s *shared[T]) share(ctx context.Context, ask func(context.Context) (T, error)) (T, error) {
	for {
		s.mu.Lock()
		one := s.next
		first := one == nil
		if first {
			one = &asking[T]{done: make(chan struct{})}
			s.next = one
		}
		s.mu.Unlock()
		if first {
			s.lead(ctx, one, ask)
			return one.answer, one.err
		}
		select {
		case <-one.done:
		case <-ctx.Done():
			return one.answer, ctx.Err()
		}
		// The one that asked may have been called off, and this caller not.
		if !errors.Is(one.err, context.Canceled) && !errors.Is(one.err, context.DeadlineExceeded) || ctx.Err() != nil {
			return one.answer, one.err
		}
	}
}

// lead waits for its turn and asks.
func (s *shared[T]) lead(ctx context.Context, one *asking[T], ask func(context.Context) (T, error)) {
	defer close(one.done)
	begin := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.next = nil
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
		begin()
		one.err = errHookEnded // or the others would take no answer for one
		one.answer, one.err = ask(ctx)
	case <-ctx.Done():
		begin()
		one.err = ctx.Err()
	}
}
