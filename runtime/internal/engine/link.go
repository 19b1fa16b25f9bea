package engine

import (
	"sync"
	"sync/atomic"
	"time"
)

// A link is what the goroutines that work a queue know together of its store:
// whether it answers. The first of them that learns of its return wakes the
// others.
type link struct {
	lastAnswer func() time.Time // from outside; or nil
	report     func(Event)
	began      time.Time

	answered atomic.Int64 // when the store last answered here, after began
	away     atomic.Bool

	mu   sync.Mutex
	back []chan struct{} // those to wake; set before any call
}

func newLink(cfg *Config, report func(Event)) *link {
	return &link{lastAnswer: cfg.LastAnswer, report: report, began: time.Now()}
}

// subscribe returns a channel that holds a value after the store has come back.
func (l *link) subscribe() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	back := make(chan struct{}, 1)
	l.back = append(l.back, back)
	return back
}

// answer takes note of an answer of the store.
func (l *link) answer() {
	l.answered.Store(int64(time.Since(l.began)))
	if !l.away.Load() || !l.away.CompareAndSwap(true, false) {
		return
	}
	l.report(Event{Kind: StoreBack})
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, back := range l.back {
		notify(back)
	}
}

// fail takes note of a call that failed with err. A refusal is an answer.
func (l *link) fail(err error) {
	if isRefused(err) {
		l.answer()
	} else if l.away.CompareAndSwap(false, true) {
		l.report(Event{Kind: StoreAway, Err: err})
	}
}

// aliveSince reports whether the store is known to have answered anything after
// then.
func (l *link) aliveSince(then time.Time) bool {
	if int64(then.Sub(l.began)) < l.answered.Load() {
		return true
	}
	return l.lastAnswer != nil && l.lastAnswer().After(then)
}

// silence is how long ago the store last answered what it is asked every few
// seconds, and false where that is not known.
func (l *link) silence() (time.Duration, bool) {
	if l.lastAnswer == nil {
		return 0, false
	}
	return time.Since(l.lastAnswer()), true
}
