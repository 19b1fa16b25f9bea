package queuetest

import (
	"errors"

	"github.com/jobgen/jobgen/runtime"
)

// linear checks that there is one order of the job's calls, each somewhere
// between its invocation and its response, in which a single job run by the
// book would have answered all of them as it did.
func (c *checker) linear(l life) {
	calls := make([]call, 0, len(l.ops))
	handlers := make(map[string]uint16)
	for _, o := range l.ops {
		if o.err != nil && !named(o) {
			return // reported by itself, and it may have happened or not
		}
		h, ok := handlers[o.handler]
		if !ok {
			h = uint16(len(handlers))
			handlers[o.handler] = h
		}
		calls = append(calls, call{step: step{op: o, handler: h}, invoked: int64(o.call), answered: int64(o.ret)})
	}
	answers := func(b bookkeeping, s step) (bookkeeping, bool) {
		ok := b.step(s, l.add.max)
		return b, ok
	}
	// Undecided is rare and proves nothing, so it passes.
	if linearizable(calls, bookkeeping{winner: none}, answers) == no {
		c.broken(ruleLinear, l.id, "no order of its %d calls explains their answers", len(calls))
	}
}

// A step is an op with its handler as a number.
type step struct {
	op
	handler uint16
}

const none = -1

// bookkeeping is one job as SPEC has it. It is comparable, so that a search
// knows a state again: attempts holds a made for each attempt.
type bookkeeping struct {
	added    bool
	end      byte // 0 while it lives
	claimed  bool // by the last attempt
	winner   int32
	attempts string
}

const (
	endFinished  = 'F'
	endCancelled = 'C'
	endDead      = 'D'
)

// A made attempt takes four bytes: its handler, how its handler ended it, and
// whether its claim was lost.
const madeSize = 4

type made struct {
	handler uint16
	ended   byte // 0, or one of the following
	lost    bool
}

const (
	endedCompleted  = 'c'
	endedSuperseded = 's'
	endedFailed     = 'f'
)

func (b *bookkeeping) made() int32 { return int32(len(b.attempts) / madeSize) }

func (b *bookkeeping) at(n int32) made {
	s := b.attempts[n*madeSize:]
	return made{uint16(s[0])<<8 | uint16(s[1]), s[2], s[3] != 0}
}

func (b *bookkeeping) set(n int32, m made) {
	lost := byte(0)
	if m.lost {
		lost = 1
	}
	row := string([]byte{byte(m.handler >> 8), byte(m.handler), m.ended, lost})
	i := n * madeSize
	b.attempts = b.attempts[:i] + row + b.attempts[min(i+madeSize, int32(len(b.attempts))):]
}

// step takes the op and reports whether its answer is possible now.
func (b *bookkeeping) step(s step, limit int32) bool {
	switch s.kind {
	case opAdd:
		ok := !b.added
		b.added = true
		return ok
	case opClaim, opSteal:
		return b.claim(s, limit)
	case opComplete:
		return b.complete(s)
	case opFail:
		return b.fail(s, limit)
	case opRelease:
		if b.holds(s) {
			b.attempts, b.claimed = b.attempts[:s.attempt*madeSize], false
		}
		return true
	case opCancel:
		return b.cancel(s, limit)
	}
	return false
}

// holds reports whether the op's handler holds its attempt of a living job.
func (b *bookkeeping) holds(s step) bool {
	return b.end == 0 && b.claimed && b.made() == s.attempt+1 && b.at(s.attempt).handler == s.handler
}

func (b *bookkeeping) claim(s step, limit int32) bool {
	if !b.added || b.end != 0 || b.made() != s.attempt || s.attempt >= limit {
		return false
	}
	steals := b.claimed
	if !s.batch && steals != (s.kind == opSteal) {
		return false // a batch takes over what has expired too
	}
	if steals {
		last := b.at(s.attempt - 1)
		if last.handler == s.handler {
			return false
		}
		last.lost = true
		b.set(s.attempt-1, last)
	}
	b.set(s.attempt, made{handler: s.handler})
	b.claimed = true
	return true
}

func (b *bookkeeping) complete(s step) bool {
	if s.attempt < 0 || s.attempt >= b.made() || b.at(s.attempt).handler != s.handler {
		return errors.Is(s.err, runtime.ErrJobNotClaimed)
	}
	m := b.at(s.attempt)
	switch {
	case m.ended == endedCompleted:
		return s.err == nil
	case m.ended == endedFailed:
		return errors.Is(s.err, runtime.ErrJobNotClaimed)
	case b.winner != none:
		m.ended = endedSuperseded
		b.set(s.attempt, m)
		return errors.Is(s.err, runtime.ErrJobCancelled)
	}
	m.ended = endedCompleted
	b.set(s.attempt, m)
	b.winner, b.claimed = s.attempt, false
	if b.end != endCancelled {
		b.end = endFinished
	}
	return s.err == nil
}

func (b *bookkeeping) fail(s step, limit int32) bool {
	if s.attempt < 0 || s.attempt >= b.made() || b.at(s.attempt).handler != s.handler {
		return errors.Is(s.err, runtime.ErrJobNotClaimed)
	}
	m := b.at(s.attempt)
	if m.ended != 0 {
		return errors.Is(s.err, runtime.ErrJobNotClaimed)
	}
	if s.err != nil && s.attempt == limit-1 {
		b.bury()
		m.lost = true // though the job may have ended otherwise since
	}
	m.ended = endedFailed
	b.set(s.attempt, m)
	if m.lost {
		return errors.Is(s.err, runtime.ErrJobNotClaimed)
	}
	b.claimed = false
	if b.end == 0 && b.made() == limit {
		b.end = endDead
	}
	return s.err == nil
}

// bury is upkeep that an answer reveals: a claim of the last attempt that has
// expired is over, and the job dead. When that happens nobody can see, so it
// is done where the answer asks for it.
func (b *bookkeeping) bury() {
	if b.end != 0 || !b.claimed {
		return
	}
	last := b.at(b.made() - 1)
	last.lost = true
	b.set(b.made()-1, last)
	b.end, b.claimed = endDead, false
}

func (b *bookkeeping) cancel(s step, limit int32) bool {
	if !b.added {
		return false
	}
	if s.err != nil {
		if b.made() == limit {
			b.bury()
		}
		completed := b.winner != none // after it was cancelled: either answer
		return completed || b.end == endDead
	}
	if b.end == 0 {
		b.end = endCancelled
	}
	return b.end == endCancelled
}
