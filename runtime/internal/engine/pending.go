package engine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
)

// minPersist is how long an outcome is tried at least, for claims that have
// expired already.
const minPersist = 2 * time.Second

// A pending outcome is not written yet.
type pending struct {
	claim   *Claim
	said    *said         // nil for a success without a log
	trouble *trouble      // nil unless it was not written when it was tried
	ended   time.Duration // after claim.Sent
	kind    driver.OutcomeKind
}

// A said is what an attempt has left to say.
type said struct {
	reason  string
	retryIn time.Duration
	final   bool
	log     []byte
}

// A trouble is what has kept an outcome from being written.
type trouble struct {
	err     error
	refused int       // how often the store has refused it for good
	retry   backoff   // between tries apart from others
	at      time.Time // when to try it apart from others
}

// newPending is the outcome of an attempt that has ended.
func newPending(a *Attempt, kind driver.OutcomeKind, now time.Time) pending {
	p := pendingOf(&a.Claim, kind, now)
	if kind == driver.Released {
		return p
	}
	log := readLog(a.Task)
	if kind == driver.Failed {
		p.said = &said{reason: driver.CleanReason(a.reason()), retryIn: a.Task.RetryIn(), final: a.final, log: log}
	} else if len(log) > 0 {
		p.said = &said{log: log}
	}
	return p
}

// readLog returns the attempt's log. The function had it in its hands, and a
// goroutine that it has left behind may still write to it, so reading may panic.
func readLog(t Task) (log []byte) {
	defer func() {
		if value := recover(); value != nil {
			log = []byte("the log could not be read: " + PanicText(value))
		}
	}()
	return t.Bytes()
}

// released is the outcome of a claim that has not begun.
func released(row *driver.Row, holder *Holder) pending {
	c := &Claim{}
	c.set(row, holder)
	return pendingOf(c, driver.Released, time.Now())
}

func pendingOf(c *Claim, kind driver.OutcomeKind, now time.Time) pending {
	return pending{claim: c, kind: kind, ended: now.Sub(c.Sent)}
}

// outcome is the outcome as stores take it.
func (p *pending) outcome() driver.Outcome {
	o := driver.Outcome{Attempt: p.claim.Attempt, Kind: p.kind}
	if p.said != nil {
		o.Reason, o.RetryIn, o.Final, o.Log = p.said.reason, p.said.retryIn, p.said.final, p.said.log
	}
	return o
}

// reason is why the attempt failed; empty where it did not.
func (p *pending) reason() string {
	if p.said == nil {
		return ""
	}
	return p.said.reason
}

// until is when the outcome is dropped, if the store has not taken it.
func (p *pending) until() time.Time {
	least := p.claim.Sent.Add(p.ended + minPersist)
	if at, ok := p.claim.Expires(); ok && at.After(least) {
		return at
	}
	return least
}

// failed takes note of why the outcome was not written.
func (p *pending) failed(err error) {
	if p.trouble == nil {
		p.trouble = &trouble{}
	}
	p.trouble.err = err
}

// why is what has kept the outcome from being written, or err.
func (p *pending) why(err error) error {
	if p.trouble != nil && p.trouble.err != nil {
		return p.trouble.err
	}
	return err
}

// refuse makes an outcome that the store has refused for good a failure whose
// reason says so. It returns false where the store has refused that, too.
func (p *pending) refuse(err error) bool {
	p.failed(err)
	p.trouble.refused++
	refused := p.trouble.refused
	if p.said == nil {
		p.said = &said{}
	}
	switch text := "the store refused its outcome: " + ErrorText(err); {
	case refused == 1 && p.kind == driver.Failed && p.said.reason != "":
		p.said.reason = driver.CleanReason(p.said.reason + ": " + text)
	case refused == 1:
		p.said.reason = driver.CleanReason(text)
	case refused == 2: // it may be the log or the reason that is refused
		p.said.log, p.said.reason = nil, ascii(p.said.reason)
	default:
		return false
	}
	if p.kind != driver.Failed {
		p.kind, p.said.retryIn = driver.Failed, p.claim.Task.RetryIn()
	}
	return true
}

// ascii replaces what a store might not be able to keep.
func ascii(text string) string {
	return strings.Map(func(r rune) rune {
		if r > '~' || r < ' ' && r != '\n' {
			return '?'
		}
		return r
	}, text)
}

// outcomes appends the outcomes as stores take them to list.
func outcomes(list []driver.Outcome, batch []pending) []driver.Outcome {
	list = slices.Grow(list, len(batch))
	for i := range batch {
		list = append(list, batch[i].outcome())
	}
	return list
}

// ResultText says why an outcome does not count, or is "" where it does.
func ResultText(r driver.Result) string {
	switch r.Status {
	case driver.Done:
		return ""
	case driver.NotFound:
		return "job not found"
	case driver.NotHeld:
		return "the handler never held the attempt"
	case driver.AlreadyFailed:
		return "the attempt has failed"
	case driver.AlreadyEnded:
		return "the attempt is over"
	case driver.ClaimLost:
		return "the attempt has lost its claim"
	case driver.Superseded:
		return fmt.Sprintf("attempt %d has completed the job", r.By)
	}
	return fmt.Sprintf("unknown status %d", r.Status)
}
