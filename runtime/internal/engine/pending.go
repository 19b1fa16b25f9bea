package engine

import (
	"fmt"
	"strings"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
)

// minPersist is how long an outcome is tried at least, for claims that have
// expired already.
const minPersist = 2 * time.Second

// A pending outcome is not written yet.
type pending struct {
	driver.Outcome
	handler   string
	kind      driver.TypeVersion
	remaining int32
	retryIn   time.Duration // after a failure

	until   time.Time // when it is dropped, if the store has not taken it
	tried   bool      // it was part of a write that failed
	refused int       // how often the store has refused it for good
	retry   backoff   // between tries apart from others
	at      time.Time // when to try it apart from others
	err     error     // why it was not written
}

// newPending is the outcome of an attempt that has ended.
func newPending(a *Attempt, kind driver.OutcomeKind, now time.Time) pending {
	p := pendingOf(&a.Claim, kind, now)
	if kind == driver.Released {
		return p
	}
	p.Log, p.retryIn = a.Task.Bytes(), a.Task.RetryIn()
	if kind == driver.Failed {
		p.Reason, p.RetryIn = driver.CleanReason(a.reason), p.retryIn
	}
	return p
}

// released is the outcome of a claim that has not begun.
func released(c *Claim) pending { return pendingOf(c, driver.Released, time.Now()) }

func pendingOf(c *Claim, kind driver.OutcomeKind, now time.Time) pending {
	p := pending{
		Outcome: driver.Outcome{Attempt: c.Name(), Kind: kind},
		handler: c.Handler, kind: c.Row.Type, remaining: c.Row.MaxAttempts - c.Row.Attempts,
		until: now.Add(minPersist),
	}
	if at, ok := c.Expires(); ok && at.After(p.until) {
		p.until = at
	}
	return p
}

// refuse makes an outcome that the store has refused for good a failure whose
// reason says so. It returns false where the store has refused that, too.
func (p *pending) refuse(err error) bool {
	p.refused++
	switch text := "the store refused its outcome: " + ErrorText(err); {
	case p.refused == 1 && p.Kind == driver.Failed && p.Reason != "":
		p.Reason = driver.CleanReason(p.Reason + ": " + text)
	case p.refused == 1:
		p.Reason = driver.CleanReason(text)
	case p.refused == 2: // it may be the log or the reason that is refused
		p.Log, p.Reason = nil, ascii(p.Reason)
	default:
		return false
	}
	if p.Kind != driver.Failed {
		p.Kind, p.RetryIn = driver.Failed, p.retryIn
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

func (p *pending) ended() *Ended {
	return &Ended{Attempt: p.Attempt, Type: p.kind, Handler: p.handler, Remaining: p.remaining}
}

// outcomes are the outcomes as stores take them.
func outcomes(batch []pending) []driver.Outcome {
	list := make([]driver.Outcome, len(batch))
	for i := range batch {
		list[i] = batch[i].Outcome
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
