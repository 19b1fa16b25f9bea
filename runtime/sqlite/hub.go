package sqlite

import (
	"sync"

	"github.com/jobgen/jobgen/runtime/internal/wake"
)

// A hub is what this process knows of one queue: who waits for its jobs, who
// holds its claims, and which of the queue's calls have been passed on.
type hub struct {
	arrived *wake.One
	revoked wake.All

	mu   sync.Mutex
	seen calls
}

// calls are the counters of a queue's row. Each goes up by one with a commit
// that concerns the waiters.
type calls struct{ arrivals, revoked int64 }

// made passes on calls of this process's own commits; 0 is none. The watcher
// need not do it again, unless a call of another process came in between.
func (h *hub) made(own calls) {
	h.mu.Lock()
	if own.arrivals == h.seen.arrivals+1 {
		h.seen.arrivals++
	}
	if own.revoked == h.seen.revoked+1 {
		h.seen.revoked++
	}
	h.mu.Unlock()
	if own.arrivals > 0 {
		h.arrived.Wake()
	}
	if own.revoked > 0 {
		h.revoked.Wake()
	}
}

// found passes on what the file says, where it is news.
func (h *hub) found(now calls) {
	h.mu.Lock()
	arrived, revoked := now.arrivals > h.seen.arrivals, now.revoked > h.seen.revoked
	h.seen.arrivals, h.seen.revoked = max(h.seen.arrivals, now.arrivals), max(h.seen.revoked, now.revoked)
	h.mu.Unlock()
	if arrived {
		h.arrived.Wake()
	}
	if revoked {
		h.revoked.Wake()
	}
}

// hubs are the hubs of all queues by number.
type hubs struct {
	mu       sync.Mutex
	byNumber map[int64]*hub
}

// get returns the hub of a queue. A new one has seen the calls until now.
func (h *hubs) get(number int64, now calls) *hub {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.byNumber == nil {
		h.byNumber = make(map[int64]*hub)
	}
	one := h.byNumber[number]
	if one == nil {
		one = &hub{arrived: wake.NewOne(), seen: now}
		h.byNumber[number] = one
	}
	return one
}

// find returns the hub of a queue that somebody has asked for, or nil.
func (h *hubs) find(number int64) *hub {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.byNumber[number]
}
