package queuetest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
)

// A rule is one thing that must hold of every history.
type rule string

const (
	ruleError      rule = "no call fails for a reason that the behaviour does not name"
	ruleLost       rule = "an acknowledged job ends finished, cancelled or dead"
	ruleOneEnd     rule = "a job ends in one way only"
	ruleGhost      rule = "a job that was never added, or was rolled back, is never claimed"
	ruleHeldTwice  rule = "an attempt is held once, and again only after a release"
	ruleOverlap    rule = "a claim begins only after the one before has ended or expired"
	ruleOwnSteal   rule = "a handler never steals its own claim"
	ruleGap        rule = "attempt numbers count from 0 without gaps"
	ruleLimit      rule = "attempts stay within MaxAttempts"
	ruleRemaining  rule = "AttemptsRemaining is MaxAttempts less the attempts made"
	ruleEarly      rule = "no job is claimed before it is due"
	ruleAfterEnd   rule = "a finished or cancelled job is never claimed again"
	ruleOneSuccess rule = "at most one attempt succeeds, and only that of the Complete that counted"
	ruleLog        rule = "each attempt has one log row, of its handler, with what it was given"
	ruleQuiet      rule = "nothing is left to count or to claim"
	ruleLinear     rule = "each job's answers fit one order of its calls"
)

// A violation is a rule that a history breaks, and where.
type violation struct {
	rule rule
	job  snowflake.ID
	what string
}

// slack is how much earlier than its Due a job may be claimed: a wall clock
// that is stepped or slewed during the run must not fail it.
const slack = time.Millisecond

// checkHistory returns every violation of the rules, by job. It reads nothing
// but the history.
func checkHistory(h history) []violation {
	c := &checker{end: h.end}
	byJob := make(map[snowflake.ID][]op)
	for _, o := range h.ops {
		byJob[o.job] = append(byJob[o.job], o)
	}
	for _, id := range slices.Sorted(maps.Keys(byJob)) {
		if id != 0 {
			c.job(id, byJob[id])
			continue
		}
		for _, o := range byJob[0] {
			c.broken(ruleError, 0, "%s: %v", o.kind, o.err)
		}
	}
	for id := range h.end.dead {
		if _, ok := byJob[id]; !ok {
			c.broken(ruleGhost, id, "it is listed as dead but nobody added it")
		}
	}
	if h.end.stats != (runtime.JobQueueStats{}) {
		c.broken(ruleQuiet, 0, "Stats is %+v", h.end.stats)
	}
	for _, id := range h.end.claimable {
		c.broken(ruleQuiet, id, "it is claimable after every job has ended")
	}
	return c.found
}

type checker struct {
	end   ending
	found []violation
}

func (c *checker) broken(r rule, id snowflake.ID, format string, args ...any) {
	c.found = append(c.found, violation{r, id, fmt.Sprintf(format, args...)})
}

// A life is one job's part of a history, sorted into kinds.
type life struct {
	id        snowflake.ID
	ops       []op
	add       *op
	claims    []op // by attempt, then time
	completes []op // answered nil
	cancels   []op // answered nil
}

func (c *checker) job(id snowflake.ID, ops []op) {
	l := life{id: id, ops: ops}
	for i, o := range ops {
		switch {
		case o.err != nil && !named(o):
			c.broken(ruleError, id, "%s of attempt %d by %s: %v", o.kind, o.attempt, o.handler, o.err)
		case o.kind == opAdd:
			l.add = &ops[i]
		case o.kind == opClaim, o.kind == opSteal:
			l.claims = append(l.claims, o)
		case o.kind == opComplete && o.err == nil:
			l.completes = append(l.completes, o)
		case o.kind == opCancel && o.err == nil:
			l.cancels = append(l.cancels, o)
		}
	}
	slices.SortStableFunc(l.claims, func(a, b op) int {
		return cmp.Or(cmp.Compare(a.attempt, b.attempt), cmp.Compare(a.ret, b.ret))
	})
	if l.add == nil || l.add.withdrew {
		if len(l.claims) > 0 {
			c.broken(ruleGhost, id, "%s", l.claims[0])
		}
		if c.end.dead[id] {
			c.broken(ruleGhost, id, "it is listed as dead")
		}
		return
	}
	c.numbers(l)
	c.intervals(l)
	c.ending(l)
	c.logs(l)
	c.linear(l)
}

// named reports whether the behaviour names the op's error for such a call.
func named(o op) bool {
	switch o.kind {
	case opComplete, opFail:
		return errors.Is(o.err, runtime.ErrJobNotClaimed) || errors.Is(o.err, runtime.ErrJobCancelled)
	case opCancel:
		return errors.Is(o.err, runtime.ErrJobNotFound)
	}
	return false
}

// numbers checks attempt numbers and what is left of them.
func (c *checker) numbers(l life) {
	next := int32(0)
	for i, claim := range l.claims {
		a := claim.attempt
		switch {
		case a == next:
			next++
		case a > next || a < 0:
			c.broken(ruleGap, l.id, "attempt %d was claimed, but never attempt %d", a, next)
			next = a + 1
		default:
			c.again(l, l.claims[i-1], claim)
		}
		if a >= l.add.max {
			c.broken(ruleLimit, l.id, "attempt %d was claimed of a job with MaxAttempts %d", a, l.add.max)
		}
		want := l.add.max - 1 - a
		unlimited := l.add.max == math.MaxInt32 && claim.remaining == math.MaxInt32
		if claim.remaining != want && !unlimited {
			c.broken(ruleRemaining, l.id, "attempt %d of %d says that %d remain, want %d", a, l.add.max, claim.remaining, want)
		}
	}
}

// again checks a second claim of one attempt: one release must allow it.
func (c *checker) again(l life, earlier, claim op) {
	releases := 0
	for _, o := range l.ops {
		if o.kind == opRelease && o.attempt == claim.attempt && o.call <= claim.ret {
			releases++
		}
	}
	claims := 0
	for _, o := range l.claims {
		if o.attempt == claim.attempt && o.ret <= claim.ret {
			claims++
		}
	}
	if claims > 1+releases {
		c.broken(ruleHeldTwice, l.id, "attempt %d is claimed by %s and by %s, released %d times", claim.attempt, earlier.handler, claim.handler, releases)
	}
}

// intervals checks the claims against the moments they may begin at.
func (c *checker) intervals(l life) {
	for i, claim := range l.claims {
		if !l.add.held && claim.ret+slack < l.add.due {
			c.broken(ruleEarly, l.id, "attempt %d was claimed %v before Due", claim.attempt, l.add.due-claim.ret)
		}
		for _, end := range slices.Concat(l.completes, l.cancels) {
			if claim.call > end.ret {
				c.broken(ruleAfterEnd, l.id, "attempt %d was claimed %v after %s", claim.attempt, claim.call-end.ret, end.kind)
			}
		}
		if i > 0 && l.claims[i-1].attempt+1 == claim.attempt {
			c.succession(l, l.claims[i-1], claim)
		}
	}
}

// succession checks that an attempt had ended, or its time was up, before the
// next began. A claim counts from when it was called, since the store's clock
// started it no earlier.
func (c *checker) succession(l life, earlier, claim op) {
	var wait time.Duration
	failed := false
	for _, o := range l.ops {
		if o.kind == opFail && o.err == nil && o.attempt == earlier.attempt && o.handler == earlier.handler && o.call <= claim.ret {
			failed, wait = true, o.call+o.retryIn-claim.ret
		}
	}
	switch {
	case failed && wait > slack:
		c.broken(ruleEarly, l.id, "attempt %d was claimed %v before the time to retry", claim.attempt, wait)
	case failed:
	case claim.ret < earlier.call+l.add.work-slack:
		c.broken(ruleOverlap, l.id, "attempt %d was claimed by %s while %s held attempt %d for at least %v more",
			claim.attempt, claim.handler, earlier.handler, earlier.attempt, earlier.call+l.add.work-claim.ret)
	case claim.handler == earlier.handler:
		c.broken(ruleOwnSteal, l.id, "%s took attempt %d over from itself", claim.handler, claim.attempt)
	}
}

// ending checks that the job has ended, and how.
func (c *checker) ending(l life) {
	for _, o := range l.completes[min(1, len(l.completes)):] {
		if o.attempt != l.completes[0].attempt {
			c.broken(ruleOneSuccess, l.id, "Complete of attempt %d and of attempt %d both returned nil", l.completes[0].attempt, o.attempt)
		}
	}
	made := int32(0)
	if len(l.claims) > 0 {
		made = l.claims[len(l.claims)-1].attempt + 1
	}
	dead := c.end.dead[l.id]
	if !c.end.deadKnown {
		dead = len(l.completes)+len(l.cancels) == 0 && made >= l.add.max
	}
	var ends []string
	if len(l.completes) > 0 && len(l.cancels) == 0 {
		ends = append(ends, "finished")
	}
	if len(l.cancels) > 0 {
		ends = append(ends, "cancelled")
	}
	if dead {
		ends = append(ends, "dead")
	}
	switch {
	case len(ends) == 0:
		c.broken(ruleLost, l.id, "it was added, claimed as %d attempts of %d, and is neither finished, cancelled nor dead", made, l.add.max)
	case len(ends) > 1:
		c.broken(ruleOneEnd, l.id, "it is %s", strings.Join(ends, " and "))
	}
	// A cancelled job may still be completed, not the other way round.
	if len(l.completes) > 0 && len(l.cancels) > 0 && l.cancels[0].call > l.completes[0].ret {
		c.broken(ruleOneEnd, l.id, "Cancel returned nil %v after Complete did", l.cancels[0].call-l.completes[0].ret)
	}
	if dead && made < l.add.max {
		c.broken(ruleOneEnd, l.id, "it is dead after %d attempts of %d", made, l.add.max)
	}
}

// logs compares each attempt's row with what its handler did.
func (c *checker) logs(l life) {
	last := int32(-1)
	for i, claim := range l.claims {
		last = claim.attempt
		if i+1 < len(l.claims) && l.claims[i+1].attempt == claim.attempt {
			continue // released: the row is the next holder's
		}
		c.row(l, claim)
	}
	if row, ok := c.end.logs[attempt{l.id, last + 1}]; ok && !errors.Is(row.err, runtime.ErrJobNotFound) {
		c.broken(ruleLog, l.id, "the log of attempt %d, which nobody made, is %v %v", last+1, row.log, row.err)
	}
}

func (c *checker) row(l life, claim op) {
	row, ok := c.end.logs[attempt{l.id, claim.attempt}]
	released := slices.ContainsFunc(l.ops, func(o op) bool {
		return o.kind == opRelease && o.attempt == claim.attempt && o.handler == claim.handler
	})
	switch {
	case released && (row.err == nil || errors.Is(row.err, runtime.ErrJobNotFound)):
		return // perhaps given back and never claimed again
	case !ok || row.err != nil:
		c.broken(ruleLog, l.id, "the log of attempt %d: %v", claim.attempt, row.err)
		return
	case row.log.HandlerID != claim.handler || row.log.AttemptNumber != claim.attempt:
		c.broken(ruleLog, l.id, "the log of attempt %d by %s is of attempt %d by %s", claim.attempt, claim.handler, row.log.AttemptNumber, row.log.HandlerID)
		return
	}
	succeeded := slices.ContainsFunc(l.completes, func(o op) bool { return o.attempt == claim.attempt })
	if row.log.Success != succeeded {
		c.broken(ruleOneSuccess, l.id, "the log of attempt %d has Success %v, but its Complete returned nil: %v", claim.attempt, row.log.Success, succeeded)
	}
	// An attempt that was abandoned when the job ended has no reason to give.
	over := l.claims[len(l.claims)-1].attempt > claim.attempt || c.end.dead[l.id]
	if over && !row.log.Success && row.log.FailureReason == "" {
		c.broken(ruleLog, l.id, "the log of attempt %d, which is over, has no failure reason", claim.attempt)
	}
	c.written(l, claim, row.log)
}

// written checks that a row's log text is the one that its handler's first
// finishing call gave. Calls that overlap in time may have come either way.
func (c *checker) written(l life, claim op, row *runtime.JobLog) {
	var given []op
	for _, o := range l.ops {
		if (o.kind == opComplete || o.kind == opFail) && o.attempt == claim.attempt && o.handler == claim.handler {
			given = append(given, o)
		}
	}
	if len(given) == 0 {
		if len(row.Log) > 0 {
			c.broken(ruleLog, l.id, "the log of attempt %d is %q, but its handler wrote none", claim.attempt, row.Log)
		}
		return
	}
	first := slices.MinFunc(given, func(a, b op) int { return cmp.Compare(a.ret, b.ret) })
	for _, o := range given {
		if o.call <= first.ret && string(row.Log) == o.log {
			if o.kind == opFail && o.err == nil && row.FailureReason != o.reason {
				c.broken(ruleLog, l.id, "the log of attempt %d gives the reason %q, but Fail was given %q", claim.attempt, row.FailureReason, o.reason)
			}
			return
		}
	}
	c.broken(ruleLog, l.id, "the log of attempt %d is %q, but its handler gave %q first", claim.attempt, row.Log, first.log)
}

// report lists violations with the history of the first jobs they concern.
func (h history) report(found []violation) string {
	const most = 5
	var b strings.Builder
	fmt.Fprintf(&b, "%d violations in %d calls", len(found), len(h.ops))
	shown := make(map[snowflake.ID]bool)
	for i, v := range found {
		if i == 4*most {
			fmt.Fprintf(&b, "\n… and %d more", len(found)-i)
			break
		}
		fmt.Fprintf(&b, "\n%s\n    job %d: %s", v.rule, v.job, v.what)
		if v.job == 0 || shown[v.job] || len(shown) == most {
			continue
		}
		shown[v.job] = true
		for _, o := range h.ops {
			if o.job == v.job {
				fmt.Fprintf(&b, "\n    %s", o)
			}
		}
	}
	return b.String()
}
