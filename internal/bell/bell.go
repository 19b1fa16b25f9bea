// Package bell wakes goroutines of one process when something may have
// changed. A Bell wakes one waiter per ring and remembers a ring that nobody
// waited for; a Broadcast wakes every subscriber. Neither starts a goroutine,
// and neither says what changed: the woken look for themselves.
package bell

import (
	"context"
	"sync"
)

// A Bell wakes one waiter per ring. Rings that nobody waits for are kept as
// one, so a ring between a look and a Wait is not missed. A waiter that found
// something and did not take all of it rings again for the next.
type Bell struct{ ring chan struct{} }

// New returns a silent bell.
func New() *Bell { return &Bell{ring: make(chan struct{}, 1)} }

// Ring wakes one waiter, now or when the next one comes. It never blocks.
func (b *Bell) Ring() {
	select {
	case b.ring <- struct{}{}:
	default:
	}
}

// Wait returns nil after a ring and ctx.Err() when ctx ends. A context that
// has ended takes no ring from another waiter.
func (b *Bell) Wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-b.ring:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A Broadcast wakes every subscriber per ring. The zero value is ready.
type Broadcast struct {
	mu   sync.Mutex
	subs map[chan struct{}]struct{}
}

// Subscribe returns a channel that holds a value after each ring, rings that
// were not yet received counting as one. It is closed when ctx ends.
func (b *Broadcast) Subscribe(ctx context.Context) <-chan struct{} {
	sub := make(chan struct{}, 1)
	b.mu.Lock()
	if b.subs == nil {
		b.subs = make(map[chan struct{}]struct{})
	}
	b.subs[sub] = struct{}{}
	b.mu.Unlock()
	context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.subs, sub)
		close(sub)
	})
	return sub
}

// Ring wakes every subscriber. It never blocks.
func (b *Broadcast) Ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for sub := range b.subs {
		select {
		case sub <- struct{}{}:
		default:
		}
	}
}
