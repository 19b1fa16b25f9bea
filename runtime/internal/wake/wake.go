// Package wake wakes goroutines of one process when something may have
// changed. A [One] wakes one waiter per call and remembers a call that nobody
// waited for; an [All] wakes every subscriber. Neither starts a goroutine, and
// neither says what changed: the woken look for themselves.
package wake

import (
	"context"
	"sync"
)

// A One wakes one waiter per call of Wake. Calls that nobody waits for count as
// one, so a call between a look and a Wait is not missed. A waiter that found
// something and did not take all of it calls Wake for the next one.
type One struct{ pending chan struct{} }

// NewOne returns a One with no call pending.
func NewOne() *One { return &One{pending: make(chan struct{}, 1)} }

// Wake wakes one waiter, now or when the next one comes. It never blocks.
func (o *One) Wake() {
	select {
	case o.pending <- struct{}{}:
	default:
	}
}

// Wait returns nil after a call of Wake and ctx.Err() when ctx ends. A context
// that has ended consumes no call.
func (o *One) Wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-o.pending:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// C holds a value while a call of Wake is pending. Receiving it consumes the
// call, as Wait does.
func (o *One) C() <-chan struct{} { return o.pending }

// An All wakes every subscriber per call of Wake. The zero value is ready.
type All struct {
	mu   sync.Mutex
	subs map[chan struct{}]struct{}
}

// Subscribe returns a channel that holds a value after each call of Wake; calls
// that were not yet received count as one. It is closed when ctx ends.
func (a *All) Subscribe(ctx context.Context) <-chan struct{} {
	sub := make(chan struct{}, 1)
	a.mu.Lock()
	if a.subs == nil {
		a.subs = make(map[chan struct{}]struct{})
	}
	a.subs[sub] = struct{}{}
	a.mu.Unlock()
	context.AfterFunc(ctx, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.subs, sub)
		close(sub)
	})
	return sub
}

// Wake wakes every subscriber. It never blocks.
func (a *All) Wake() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for sub := range a.subs {
		select {
		case sub <- struct{}{}:
		default:
		}
	}
}
