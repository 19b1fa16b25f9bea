package faulttest

import (
	"time"
)

// replay goes through the changes of a job's row in their order.
func (c *checker) replay(j *life) {
	limit := j.asked.add.Max
	var row event // as it is
	var free time.Time
	for _, e := range j.events {
		if e.place == "ended" {
			if e.op == "INSERT" {
				j.end = e.state
			} else if j.end == e.state {
				j.end = "finished" // a late success of a dead job's attempt
			}
			continue
		}
		if j.end != "" && e.op != "INSERT" {
			c.broken(ruleAfter, j.id, "it is %s, and then %s", j.end, e)
		}
		switch e.op {
		case "INSERT":
			if row.op != "" {
				c.broken(ruleTwice, j.id, "its row was inserted again: %s", e)
			}
			if want := j.asked.add.Due; want != 0 && e.due.UnixNano() != want {
				c.broken(ruleEarly, j.id, "it was to be due at %v and is at %v", time.Unix(0, want), e.due)
			}
			if e.attempts != 0 || e.handler != "" {
				c.broken(ruleGap, j.id, "it was added as %s", e)
			}
			free = later(e.at, e.due)
		case "UPDATE":
			free = c.changed(j, row, e, free)
		case "DELETE":
			j.end = "finished" // unless a row of an ended job follows
		}
		if limit > 0 && e.attempts > limit {
			c.broken(ruleLimit, j.id, "of %d attempts it has had %d: %s", limit, e.attempts, e)
		}
		row = e
	}
	j.attempts = row.attempts
	if silent, ok := c.silentSince(row.handler, c.end); ok && row.handler != "" && silent.Before(free) {
		free = silent
	}
	if row.op != "" && row.op != "DELETE" && c.late(free, c.end) > c.prompt {
		c.broken(rulePrompt, j.id, "it has been claimable since %s, and is not claimed at %s", stamp(free), stamp(c.end))
	}
}

// changed checks one update, and returns from when on the job can be claimed.
func (c *checker) changed(j *life, was, is event, free time.Time) time.Time {
	switch {
	case is.handler != "" && is.attempts > was.attempts: // a claim
		if is.attempts != was.attempts+1 {
			c.broken(ruleGap, j.id, "a claim takes %d attempts to %d", was.attempts, is.attempts)
		}
		if is.at.Before(was.due) {
			c.broken(ruleEarly, j.id, "it was claimed %v before it was due: %s", was.due.Sub(is.at), is)
		}
		over := was.expires
		if silent, ok := c.silentSince(was.handler, is.at); ok && silent.Before(over) {
			over, free = silent, silent
		}
		if was.handler != "" && is.at.Before(over) {
			c.broken(ruleOverlap, j.id, "%s had %v left when this came: %s", was.handler, was.expires.Sub(is.at), is)
		}
		if was.handler == is.handler {
			c.broken(ruleOwn, j.id, "%s", is)
		}
		if late := c.late(free, is.at); late > c.prompt {
			c.broken(rulePrompt, j.id, "it was claimable since %s, and claimed %v later: %s", stamp(free), late, is)
		}
		if at := j.asked.cancelled; !at.IsZero() && is.at.After(at) {
			c.broken(ruleCancel, j.id, "it was cancelled at %s, and claimed after: %s", stamp(at), is)
		}
		for int32(len(j.holders)) < is.attempts {
			j.holders, j.began = append(j.holders, ""), append(j.began, time.Time{})
		}
		j.holders[is.attempts-1], j.began[is.attempts-1] = is.handler, is.at
		return is.expires
	case is.handler == "" && was.handler != "" && is.attempts == was.attempts: // a failure
		j.failed[was.attempts-1] = is.at
		return later(is.at, is.due)
	case is.handler == "" && was.handler != "" && is.attempts == was.attempts-1: // a release
		j.released[is.attempts]++
		j.holders, j.began = j.holders[:is.attempts], j.began[:is.attempts]
		return later(is.at, is.due)
	}
	c.broken(ruleGap, j.id, "no claim, failure or release does this: %s, after %s", is, was)
	return free
}

// sureSign is how much older than a takeover a sign of life has to be for the
// one who took over to have seen it.
const sureSign = time.Second

// silentSince returns when the lease of the handler's process ran out, if it
// had done so at that time.
func (c *checker) silentSince(handler string, at time.Time) (time.Time, bool) {
	var until time.Time
	for _, sign := range c.signs[c.holders[handler]] {
		if sign.at.Before(at.Add(-sureSign)) {
			until = sign.expires
		}
	}
	return until, !until.IsZero() && !at.Before(until)
}

// late is how long from free to at, without the outages.
func (c *checker) late(free, at time.Time) time.Duration {
	d := at.Sub(free)
	for _, o := range c.outages {
		from, to := later(o.from, free), o.to
		if at.Before(to) {
			to = at
		}
		if to.After(from) {
			d -= to.Sub(from)
		}
	}
	return d
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func stamp(t time.Time) string { return t.UTC().Format("15:04:05.000000") }

// ended compares how the job's row went with where the job is.
func (c *checker) ended(j *life) {
	places := c.places[j.id]
	want := j.end
	switch {
	case len(places) > 1:
		c.broken(ruleLost, j.id, "it is in %d places: %q", len(places), places)
		return
	case len(places) == 0 && want != "finished":
		c.broken(ruleLost, j.id, "it is gone, and was %q", want)
		return
	case len(places) == 1 && want == "" && places[0] != "waiting" && places[0] != "claimed",
		len(places) == 1 && want != "" && places[0] != want:
		c.broken(ruleLost, j.id, "it is %s, and was %q", places[0], want)
		return
	}
	if limit := j.asked.add.Max; want == "dead" && (limit == 0 || j.attempts < limit) {
		c.broken(ruleLimit, j.id, "it is dead after %d attempts of %d (0 is no limit)", j.attempts, limit)
	}
	if !j.asked.cancelled.IsZero() && want != "cancelled" && want != "finished" {
		c.broken(ruleCancel, j.id, "its cancel was acknowledged, and it is %q", want)
	}
	if want == "cancelled" && j.asked.add.Mode != modeCancel {
		c.broken(ruleCancel, j.id, "it is cancelled, and nobody asked for that")
	}
	effects := c.effects[j.id]
	once := j.asked.add.Mode == modeTx && want == "finished"
	if once && effects != 1 || !once && effects != 0 {
		c.broken(ruleEffect, j.id, "it is %q, and has had %d effects", want, effects)
	}
}

// ran compares what handlers did with what they had claimed.
func (c *checker) ran(j *life) {
	begun := make(map[int32]int)
	for _, run := range j.runs {
		if run.What != begins {
			continue
		}
		begun[run.Attempt]++
		at := run.time()
		if int(run.Attempt) >= len(j.holders) {
			if j.released[run.Attempt] == 0 {
				c.broken(ruleRun, j.id, "%s ran attempt %d, which nobody has claimed", run.Handler, run.Attempt)
			}
			continue
		}
		if holder := j.holders[run.Attempt]; holder != run.Handler && j.released[run.Attempt] == 0 {
			c.broken(ruleRun, j.id, "%s ran attempt %d, which is %s's", run.Handler, run.Attempt, holder)
			continue
		}
		if late := c.late(j.began[run.Attempt], at); late > c.prompt {
			c.broken(rulePrompt, j.id, "attempt %d was claimed at %s and begun %v later", run.Attempt, stamp(j.began[run.Attempt]), late)
		}
	}
	for attempt, n := range begun {
		if n > 1+j.released[attempt] {
			c.broken(ruleRun, j.id, "attempt %d was run %d times, and released %d times", attempt, n, j.released[attempt])
		}
	}
}

// said reports whether the attempt's handler has said that.
func (j *life) said(attempt int32, handler string, w what) bool {
	for _, run := range j.runs {
		if run.What == w && run.Attempt == attempt && run.Handler == handler {
			return true
		}
	}
	return false
}

// logged checks the rows of the attempts.
func (c *checker) logged(j *life) {
	rows, done := make(map[int32]int), 0
	for _, row := range j.rows {
		rows[row.number]++
		if int(row.number) >= len(j.holders) {
			c.broken(ruleRow, j.id, "there is a row of attempt %d, which nobody has made", row.number)
			continue
		}
		if holder := j.holders[row.number]; row.handler != holder {
			c.broken(ruleRow, j.id, "the row of attempt %d is %s's, and the attempt was %s's", row.number, row.handler, holder)
			continue
		}
		switch row.outcome {
		case outcomeDone:
			done++
			if !j.said(row.number, row.handler, succeeds) {
				c.broken(ruleSuccess, j.id, "attempt %d counts as done, and %s has not said so", row.number, row.handler)
			}
		case outcomeFailed:
			// One that completes in its own transaction says that it succeeds before it knows.
			if j.said(row.number, row.handler, succeeds) && j.asked.add.Mode != modeTx {
				c.broken(ruleFailure, j.id, "attempt %d counts as failed, and %s has succeeded", row.number, row.handler)
			}
		}
	}
	for attempt := range j.holders {
		current := attempt == len(j.holders)-1 && j.end == ""
		switch n := rows[int32(attempt)]; {
		case n > 1:
			c.broken(ruleRow, j.id, "there are %d rows of attempt %d", n, attempt)
		case n == 0 && !current:
			c.broken(ruleRow, j.id, "there is no row of attempt %d by %s", attempt, j.holders[attempt])
		}
	}
	finished := j.end == "finished"
	if finished && done == 0 {
		c.broken(ruleLost, j.id, "its row is gone, and none of its attempts counts as done")
	}
	if !finished && j.end != "cancelled" && done > 0 || done > 1 {
		c.broken(ruleSuccess, j.id, "it is %q, and %d of its attempts count as done", j.end, done)
	}
}
