package queuetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/bwmarrin/snowflake"
	"pgregory.net/rapid"
)

// RunModel makes random sequences of calls to a back end and the same ones to
// runtime/memory, through two services of each, and compares every answer and
// in the end all that can be seen. A sequence that finds a difference is
// shrunk; rapid's own flags set how many are tried and repeat one. The store's
// clock may run or stand still: what is compared has minutes to spare.
func RunModel(t *testing.T, h Harness) { checkModel(t, h) }

// checkModel is RunModel for any kind of test.
func checkModel(tb testing.TB, h Harness) {
	tb.Helper()
	store := openSide(tb, 0, h(tb))
	n := 0
	rapid.Check(tb, func(t *rapid.T) {
		// To open a store can take long. Each sequence has queues of its own
		// in the one that is under test, and a reference of its own.
		n++
		tb := sequence{tb, t}
		ref := openSide(tb, 1, newReference(tb))
		m := newModel(store.begin(tb, fmt.Sprint(" ", n)), ref.begin(tb, ""))
		t.Repeat(m.actions())
		m.compareAll(t)
	})
}

const (
	// unit is what durations are multiples of, so far apart that the time
	// which a sequence takes to run never decides. Explicit dues lie half a
	// unit, retries a quarter of one off, so that no two kinds ever meet.
	unit = 10 * time.Minute
	// tick passes before every call for a clock that stands still, as time
	// does for one that runs: what was made later is due later.
	tick = time.Millisecond
	// tolerance is how much times may differ.
	tolerance = 2 * time.Minute
)

var (
	modelQueues   = []string{"one", "two"}
	modelHandlers = []string{"h0", "h1", "h2"}
)

// A model is the store under test beside the reference, and what a sequence
// has seen of them.
type model struct {
	real, ref *side
	jobs      []*known
	claims    []held
	doomed    []doom
}

// A known job is one that was added on both sides.
type known struct {
	name  int             // counts the jobs of the sequence
	ids   [2]snowflake.ID // by side
	queue int
	last  int32 // the last attempt seen, or -1
}

// nobody is a job that neither side knows.
var nobody = &known{name: -1, ids: [2]snowflake.ID{1, 1}, last: -1}

// A held claim is one that a handler of the sequence may still finish,
// whether the stores think that it holds it or not.
type held struct {
	job     *known
	number  int32
	handler string

	released bool // the handler has given it back
}

// A doom is a job's last attempt that can expire, by the reference's clock.
// Upkeep buries it then, and each store chooses when it sees to that.
type doom struct {
	queue int
	at    time.Time
}

func newModel(real, ref *side) *model {
	m := &model{real: real, ref: ref}
	return m
}

// actions are the calls that a sequence is made of. A handler that crashes is
// one whose claim is forgotten.
func (m *model) actions() map[string]func(*rapid.T) {
	actions := map[string]func(*rapid.T){
		"":             m.compareStats,
		"add":          m.add,
		"add again":    m.add,
		"add-claim":    m.addAndClaim,
		"add wrongly":  m.addWrongly,
		"claim":        m.tryClaim,
		"claim again":  m.tryClaim,
		"steal":        m.trySteal,
		"complete":     m.complete,
		"complete all": m.completeAll,
		"fail":         m.fail,
		"fail again":   m.fail,
		"cancel":       m.cancel,
		"log":          m.log,
		"crash":        m.crash,
		"advance":      m.advance,
		"later":        m.advance,

		"add batch":         m.addBatch,
		"claim batch":       m.claimBatch,
		"claim batch again": m.claimBatch,
		"finish batch":      m.finishBatch,
		"fail and retry":    m.failAndRetry,
		"release":           m.release,
		"lost claims":       m.lostClaims,
		"dead jobs":         m.deadJobs,
		"revive":            m.revive,
		"drain":             m.drain,
	}
	if _, ok := m.real.store.(Transactor); ok {
		actions["transaction"] = m.transaction
	}
	return actions
}
