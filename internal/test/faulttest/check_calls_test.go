package faulttest

import (
	"testing"
	"time"
)

// called checks that each call on the job took effect at a moment between its
// beginning and its answer. The audit has those moments, in an order that replay
// has found to be one that a job may go through; so nobody could tell the storm
// from one call after the other: it is linearizable.
func (c *checker) called(j *life) {
	asked := j.asked
	var left, gone, cancelled time.Time // left its table, and the last table that it was in
	for _, e := range j.events {
		switch {
		case e.place == "job" && e.op == "INSERT":
			answered := asked.answered
			if asked.answer != added {
				answered = time.Time{} // it may come at any time
			}
			c.between(j, "its addition", asked.add.time(), e.at, answered)
		case e.op == "DELETE":
			if gone = e.at; left.IsZero() {
				left = gone
			}
		case e.place == "ended" && e.state == "cancelled":
			cancelled = e.at
		}
	}
	if !cancelled.IsZero() || !asked.cancelled.IsZero() {
		c.between(j, "its cancel", asked.cancels, cancelled, asked.cancelled)
	}
	if !asked.missed.IsZero() {
		c.between(j, "its end, without which it could be cancelled,", time.Time{}, left, asked.missed)
	}
	for _, run := range j.runs {
		if int(run.Attempt) >= len(j.holders) || j.holders[run.Attempt] != run.Handler || j.released[run.Attempt] > 0 {
			continue
		}
		switch run.What {
		case begins:
			c.between(j, "the claim that a handler has begun on", time.Time{}, j.began[run.Attempt], run.time())
		case fails:
			if at, ok := j.failed[run.Attempt]; ok {
				c.between(j, "its failure", run.time(), at, time.Time{})
			}
		case succeeds:
			// One that commits with its completion says so before the commit, and after the change.
			if j.end == "finished" && asked.add.Mode != modeTx && j.done(run.Attempt) {
				c.between(j, "its completion", run.time(), gone, time.Time{})
			}
		}
	}
}

// between holds that something happened, from a time on and until another, of
// which the zero one is no limit. The audit has microseconds.
func (c *checker) between(j *life, what string, from, at, until time.Time) {
	switch {
	case at.IsZero():
		c.broken(ruleCall, j.id, "%s is nowhere in the audit", what)
	case at.Before(from.Truncate(time.Microsecond)):
		c.broken(ruleCall, j.id, "%s was at %s, and not asked for before %s", what, stamp(at), stamp(from))
	case !until.IsZero() && at.After(until):
		c.broken(ruleCall, j.id, "%s was at %s, and acknowledged at %s", what, stamp(at), stamp(until))
	}
}

// done reports whether the attempt counts as done.
func (j *life) done(attempt int32) bool {
	for _, row := range j.rows {
		if row.number == attempt && row.outcome == outcomeDone {
			return true
		}
	}
	return false
}

func TestTheCheckerFindsCallsThatTakeEffectOutsideOfTheirTime(t *testing.T) {
	t.Parallel()
	// A life in which all is well: a failure, and a completion.
	begin := time.Now().Add(-time.Second).Truncate(time.Millisecond)
	at := func(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }
	story := func(change func(e *evidence)) evidence {
		said := func(ms int, w what, attempt int32, handler string) line {
			return line{At: at(ms).UnixNano(), What: w, Key: "k", Job: 1, Attempt: attempt, Handler: handler}
		}
		e := evidence{
			prompt: time.Minute, end: at(900),
			producers: []line{said(0, asksAdd, 0, ""), said(20, added, 0, "")},
			workers: []line{
				said(40, begins, 0, "a"), said(50, fails, 0, "a"), said(80, begins, 1, "b"), said(90, succeeds, 1, "b"),
			},
			events: []event{
				{at: at(10), place: "job", op: "INSERT", job: 1, key: "k"},
				{at: at(30), place: "job", op: "UPDATE", job: 1, attempts: 1, handler: "a", expires: at(500)},
				{at: at(60), place: "job", op: "UPDATE", job: 1, attempts: 1, due: at(60)},
				{at: at(70), place: "job", op: "UPDATE", job: 1, attempts: 2, handler: "b", due: at(60), expires: at(500)},
				{at: at(100), place: "job", op: "DELETE", job: 1, attempts: 2, handler: "b"},
			},
			attempts: []attemptRow{{job: 1, number: 0, handler: "a", outcome: outcomeFailed}, {job: 1, number: 1, handler: "b", outcome: outcomeDone}},
		}
		change(&e)
		return e
	}
	if found := check(story(func(*evidence) {})); len(found) > 0 {
		t.Fatalf("all is well, and %v was found", found)
	}
	cancel := func(e *evidence, asks, is, told int, answer what) {
		e.producers[0].Mode = modeCancel
		e.producers = append(e.producers, line{At: at(asks).UnixNano(), What: asksCancel, Key: "k", Job: 1}, line{At: at(told).UnixNano(), What: answer, Key: "k", Job: 1})
		if answer == cancelled {
			e.events = append(e.events[:1], event{at: at(is), place: "job", op: "DELETE", job: 1}, event{at: at(is), place: "ended", op: "INSERT", job: 1, state: "cancelled"})
			e.workers, e.attempts, e.places = nil, nil, map[int64][]string{1: {"cancelled"}}
		}
	}
	if found := check(story(func(e *evidence) { cancel(e, 12, 14, 16, cancelled) })); len(found) > 0 {
		t.Fatalf("it is cancelled as it should be, and %v was found", found)
	}
	for what, change := range map[string]func(*evidence){
		"added before it was asked for":      func(e *evidence) { e.producers[0].At = at(11).UnixNano() },
		"added after the answer":             func(e *evidence) { e.producers[1].At = at(9).UnixNano() },
		"run before it was claimed":          func(e *evidence) { e.workers[0].At = at(29).UnixNano() },
		"failed before its handler had":      func(e *evidence) { e.workers[1].At = at(61).UnixNano() },
		"completed before its handler ended": func(e *evidence) { e.workers[3].At = at(101).UnixNano() },
		"cancelled before it was asked for":  func(e *evidence) { cancel(e, 15, 14, 16, cancelled) },
		"cancelled after the answer":         func(e *evidence) { cancel(e, 12, 17, 16, cancelled) },
		"not found while it was there":       func(e *evidence) { cancel(e, 25, 0, 99, notFound) },
	} {
		found := check(story(change))
		if len(found) != 1 || found[0].rule != ruleCall {
			t.Errorf("%s: found %v, want one call that took effect outside of its time", what, found)
		}
	}
}
