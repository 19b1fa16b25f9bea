package engine

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
)

// An EventKind says what has happened.
type EventKind uint8

// What happens. The comments name the fields of an [Event] that are set beside
// Kind and Time.
const (
	// AttemptEnded says that a job's function has ended: Attempt, Outcome, Took,
	// Waited, Err, Reason.
	AttemptEnded EventKind = iota
	// JobDied says that a job has failed, or its claim ended, without attempts
	// remaining: Of, Reason.
	JobDied
	// FailureRecorded says that the last attempt of a job has failed that had been
	// cancelled, or completed by another attempt: Of, Reason.
	FailureRecorded
	// ClaimLost says that a running attempt lost its claim: Attempt, Err.
	ClaimLost
	// OutcomeLate says that an outcome came too late to count: Of, Outcome, Result,
	// Reason.
	OutcomeLate
	// OutcomeRefused says that the store refuses an outcome: Of, Outcome, Err.
	OutcomeRefused
	// OutcomeDropped says that an outcome was given up: Of, Outcome, Err, Reason.
	OutcomeDropped
	// ReleaseFailed says that N claims were not given back: Err.
	ReleaseFailed
	// ClaimsMade says that N jobs were claimed: Took.
	ClaimsMade
	// ClaimsFailing and ClaimsWork say that claiming began to fail and works
	// again: Err.
	ClaimsFailing
	ClaimsWork
	// OutcomesWritten says that N outcomes were written: Took.
	OutcomesWritten
	// OutcomesFailing and OutcomesWork say that writing began to fail and works
	// again: Err, N.
	OutcomesFailing
	OutcomesWork
	// LostUnknown says that lost claims could not be asked for: Err.
	LostUnknown
	// UnhandledWaiting says which due jobs wait that nobody here understands: Types.
	UnhandledWaiting
	// StoreAway and StoreBack say that the store stopped answering, and answers
	// again: Err.
	StoreAway
	StoreBack
	// EventsSkipped says that N events were not told, since those who listen were
	// too slow.
	EventsSkipped
)

// An Event is what has happened to a queue's work.
type Event struct {
	Kind    EventKind
	Time    time.Time
	Attempt *Attempt
	Of      *Claim
	Outcome driver.OutcomeKind
	Result  driver.Result
	// Took is how long it took, and Waited how long the job had waited in this
	// process after it was claimed.
	Took, Waited time.Duration
	N            int
	Err          error
	Reason       string // why the attempt failed
	Types        []driver.TypeCounts
}

const (
	// maxUntold bounds the events that wait to be told.
	maxUntold = 8192
	// untoldPatience is how long whoever has an event to tell waits for others to
	// be told once that many wait.
	untoldPatience = time.Second
	// verbosePause is how often a change of the logger's level is looked for.
	verbosePause = time.Second
)

// A reporter tells listeners, which are the user's code, of events: one after the
// other and in a goroutine of its own, so that a listener which panics, blocks or
// ends its goroutine harms nothing else.
type reporter struct {
	listeners []func(Event)
	all       bool        // successes are events too
	verbose   func() bool // the same, now and then asked anew; user's code

	wake    chan struct{} // holds a value when there is something to do
	space   chan struct{} // holds a value after events have been told
	first   chan struct{} // closed once verbose has been asked
	done    chan struct{} // closed once everything is told
	chatty  atomic.Bool   // verbose's last answer: written by run, read by all
	checked atomic.Int64  // when it was asked for, in Unix nanoseconds
	ask     atomic.Bool   // it is to be asked: set by all, cleared by run

	mu      sync.Mutex
	untold  []Event
	skipped int
	stalled bool // the listeners have not moved for untoldPatience
	closed  bool

	// Where run stands: written and read by run alone, and by its successor.
	telling  []Event
	listener int
}

func newReporter(cfg *Config) *reporter {
	r := &reporter{
		listeners: cfg.Listeners, all: cfg.Observed, verbose: cfg.Verbose,
		wake: make(chan struct{}, 1), space: make(chan struct{}, 1),
		first: make(chan struct{}), done: make(chan struct{}),
	}
	r.ask.Store(true)
	return r
}

// wants reports whether successes are to be told. Now is about the current time.
func (r *reporter) wants(now time.Time) bool {
	if r.all {
		return true
	}
	if last := r.checked.Load(); now.UnixNano()-last > int64(verbosePause) && r.checked.CompareAndSwap(last, now.UnixNano()) {
		r.ask.Store(true)
		notify(r.wake)
	}
	return r.chatty.Load()
}

// report has the listeners told of an event. It does not wait for them, unless very
// much waits to be told.
func (r *reporter) report(e Event) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	r.mu.Lock()
	if len(r.untold) >= maxUntold && !r.stalled && !r.closed {
		r.awaitSpace()
	}
	if len(r.untold) >= maxUntold || r.closed {
		r.skipped++
	} else {
		r.untold = append(r.untold, e)
	}
	r.mu.Unlock()
	notify(r.wake)
}

// awaitSpace waits, without r.mu, until events have been told.
func (r *reporter) awaitSpace() {
	r.mu.Unlock()
	timer := time.NewTimer(untoldPatience)
	defer timer.Stop()
	moved := true
	select {
	case <-r.space:
	case <-timer.C:
		moved = false
	}
	r.mu.Lock()
	r.stalled = !moved && len(r.untold) >= maxUntold
}

// run tells until close has been called and nothing is left to tell.
func (r *reporter) run() {
	returned := false
	defer func() {
		if !returned {
			go r.run() // a listener has ended this goroutine
		}
	}()
	for {
		r.check()
		for len(r.telling) > 0 {
			for r.listener < len(r.listeners) {
				r.listener++
				r.tell(r.listeners[r.listener-1], r.telling[0])
			}
			r.telling[0] = Event{}
			r.telling, r.listener = r.telling[1:], 0
		}
		if !r.next() {
			returned = true
			close(r.done)
			return
		}
	}
}

// next takes what waits to be told, and waits for it. It returns false at the
// end.
func (r *reporter) next() bool {
	r.mu.Lock()
	r.telling, r.untold, r.stalled = r.untold, nil, false
	if r.skipped > 0 {
		r.telling, r.skipped = append(r.telling, Event{Kind: EventsSkipped, Time: time.Now(), N: r.skipped}), 0
	}
	closed := r.closed
	r.mu.Unlock()
	notify(r.space)
	if len(r.telling) > 0 {
		return true
	}
	if closed {
		return false
	}
	<-r.wake
	return true
}

// check asks how much is to be told, when it is time to.
func (r *reporter) check() {
	if r.verbose == nil || r.all {
		r.begin()
		return
	}
	defer r.begin() // also where verbose ends the goroutine
	if r.ask.Swap(false) {
		defer func() { _ = recover() }()
		r.chatty.Store(r.verbose())
	}
}

// begin says that verbose has been asked.
func (r *reporter) begin() {
	select {
	case <-r.first:
	default:
		close(r.first)
	}
}

func (r *reporter) tell(listen func(Event), e Event) {
	defer func() { _ = recover() }()
	listen(e)
}

// close ends run once it has told everything, and waits for that as long as d.
func (r *reporter) close(d time.Duration) {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	notify(r.wake)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-r.done:
	case <-timer.C:
	}
}

// notify puts a value into a channel of size one that may hold one already.
func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
