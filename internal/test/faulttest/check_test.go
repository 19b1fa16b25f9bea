package faulttest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Evidence is what the witnesses of one run say.
type evidence struct {
	producers []line
	workers   []line
	events    []event // by the database's order
	attempts  []attemptRow
	places    map[int64][]string
	effects   map[int64]int
	holders   map[string]string // the process of each handler
	outages   []span            // when jobs cannot be expected to be claimed
	end       time.Time         // when the tables were read, by the database's clock
	prompt    time.Duration
}

// A span is a part of a run.
type span struct{ from, to time.Time }

// A rule is one thing that must hold of every run.
type rule string

const (
	ruleLost    rule = "an acknowledged job is finished, cancelled, dead or waiting, exactly one of them"
	ruleTwice   rule = "a job is added once, and one whose addition failed at most once"
	ruleGhost   rule = "there is no job that nobody asked for, that was refused or was rolled back"
	ruleGap     rule = "attempts count up by one with each claim, and down with a release"
	ruleLimit   rule = "attempts stay within their limit, and a job is dead only when they are used up"
	ruleOverlap rule = "a claim is taken over when it has expired or its process has given no sign of life, and not before"
	ruleOwn     rule = "a handler never takes its own claim over"
	ruleAfter   rule = "nothing happens to a job after its end"
	ruleEarly   rule = "no job is claimed before it is due, as it was asked for"
	ruleRun     rule = "a handler runs each attempt that it has claimed once, and none that it has not"
	ruleRow     rule = "each attempt that is over has one row, of the handler that claimed it"
	ruleSuccess rule = "an attempt counts as done only where its handler said so, and once a job"
	ruleFailure rule = "an attempt counts as failed only where its handler did not succeed"
	ruleCancel  rule = "an acknowledged cancel is never followed by a claim, and ends the job"
	ruleEffect  rule = "what is committed with a completion happens once where the job is finished, and else not"
	ruleCall    rule = "each call takes effect at one moment between its beginning and its answer"
	rulePrompt  rule = "a job that can be claimed is claimed within the claim limit, a poll interval and two seconds, and then begun"
)

// A violation is a rule that the evidence breaks.
type violation struct {
	rule rule
	job  int64
	what string
}

// check returns everything that is wrong, by job.
func check(e evidence) []violation {
	c := &checker{evidence: e, asked: make(map[string]*asked), jobs: make(map[int64]*life), signs: make(map[string][]event)}
	c.join()
	for _, key := range slices.Sorted(maps.Keys(c.asked)) {
		c.added(key, c.asked[key])
	}
	for _, id := range slices.Sorted(maps.Keys(c.jobs)) {
		c.live(c.jobs[id])
	}
	return c.found
}

type checker struct {
	evidence
	asked map[string]*asked
	jobs  map[int64]*life
	signs map[string][]event // of life, by process
	found []violation
}

func (c *checker) broken(r rule, job int64, format string, args ...any) {
	c.found = append(c.found, violation{r, job, fmt.Sprintf(format, args...)})
}

// An asked is what a producer wanted and was told.
type asked struct {
	add       line
	answer    what // "" where the producer did not live to be told
	answered  time.Time
	job       int64
	inserted  []int64   // by the audit
	cancels   time.Time // asks for it
	cancelled time.Time // is told that it is
	missed    time.Time // is told that there is no such job
}

// A life is what there is to know of one job.
type life struct {
	id     int64
	key    string
	asked  *asked
	events []event
	runs   []line // of handlers
	rows   []attemptRow

	// Of the audit, once it has been replayed.
	holders  []string // by attempt
	began    []time.Time
	released map[int32]int
	failed   map[int32]time.Time
	attempts int32
	end      string // finished, dead, cancelled, or "" for none
}

// join puts the three witnesses' words together by job.
func (c *checker) join() {
	for _, l := range c.producers {
		if l.What == asksAdd {
			c.asked[l.Key] = &asked{add: l}
		}
		a := c.asked[l.Key]
		if a == nil { // the process speaks of itself
			continue
		}
		switch l.What {
		case added, addFailed, addRefused, rolledBack:
			a.answer, a.answered, a.job = l.What, l.time(), l.Job
		case asksCancel:
			a.cancels = l.time()
		case cancelled:
			a.cancelled = l.time()
		case notFound:
			a.missed = l.time()
		}
	}
	for _, e := range c.events {
		if e.place == "node" {
			c.signs[e.key] = append(c.signs[e.key], e)
			continue
		}
		j := c.life(e.job)
		j.events = append(j.events, e)
		if e.place == "job" && e.op == "INSERT" {
			j.key = e.key
			if a := c.asked[e.key]; a != nil {
				a.inserted = append(a.inserted, e.job)
				j.asked = a
			}
		}
	}
	for _, l := range c.workers {
		if l.Job != 0 {
			j := c.life(l.Job)
			j.runs = append(j.runs, l)
		}
	}
	for _, a := range c.evidence.attempts {
		j := c.life(a.job)
		j.rows = append(j.rows, a)
	}
	for id := range c.places {
		c.life(id)
	}
	for id := range c.effects {
		c.life(id)
	}
}

func (c *checker) life(id int64) *life {
	j := c.jobs[id]
	if j == nil {
		j = &life{id: id, released: make(map[int32]int), failed: make(map[int32]time.Time)}
		c.jobs[id] = j
	}
	return j
}

// added compares what a producer was told with what the database has.
func (c *checker) added(key string, a *asked) {
	switch {
	case len(a.inserted) > 1:
		c.broken(ruleTwice, a.inserted[0], "%s was added as %d", key, a.inserted)
	case a.answer == added && len(a.inserted) == 0:
		c.broken(ruleLost, a.job, "%s was acknowledged, and the database has never heard of it", key)
	case a.answer == added && a.inserted[0] != a.job:
		c.broken(ruleLost, a.job, "%s is job %d in the database", key, a.inserted[0])
	case (a.answer == rolledBack || a.answer == addRefused) && len(a.inserted) > 0:
		c.broken(ruleGhost, a.inserted[0], "%s is there, and its producer was told: %s", key, a.answer)
	}
}

// live checks one job.
func (c *checker) live(j *life) {
	if j.asked == nil {
		c.broken(ruleGhost, j.id, "nobody has asked for it")
		return
	}
	c.replay(j)
	c.ended(j)
	c.ran(j)
	c.logged(j)
	c.called(j)
}

// report is the violations by rule, with a few lives in full.
func (c evidence) report(found []violation) string {
	var b strings.Builder
	counts := make(map[rule]int)
	for _, v := range found {
		counts[v.rule]++
	}
	rules := slices.SortedFunc(maps.Keys(counts), func(a, b rule) int { return cmp.Compare(counts[b], counts[a]) })
	shown := make(map[int64]bool)
	for _, r := range rules {
		fmt.Fprintf(&b, "\n%d × broken: %s", counts[r], r)
		n := 0
		for _, v := range found {
			if v.rule != r {
				continue
			}
			if n++; n > 3 {
				break
			}
			fmt.Fprintf(&b, "\n  job %d: %s", v.job, v.what)
			if !shown[v.job] && len(shown) < 6 {
				shown[v.job] = true
				c.tell(&b, v.job)
			}
		}
	}
	return b.String()
}

// tell writes all that the witnesses say of one job.
func (c evidence) tell(b *strings.Builder, id int64) {
	key := ""
	for _, e := range c.events {
		if e.job == id && e.place != "node" {
			fmt.Fprintf(b, "\n      database  %s", e)
			if e.key != "" {
				key = e.key
			}
		}
	}
	for _, l := range c.producers {
		if l.Job == id || key != "" && l.Key == key {
			fmt.Fprintf(b, "\n      producer  %s %s %s %s", time.Unix(0, l.At).UTC().Format("15:04:05.000000"), l.What, l.Mode, l.Err)
		}
	}
	for _, l := range c.workers {
		if l.Job == id {
			fmt.Fprintf(b, "\n      handler   %s %s attempt %d by %s %s", time.Unix(0, l.At).UTC().Format("15:04:05.000000"), l.What, l.Attempt, l.Handler, l.Err)
		}
	}
	for _, a := range c.attempts {
		if a.job == id {
			fmt.Fprintf(b, "\n      row       attempt %d by %s outcome %d", a.number, a.handler, a.outcome)
		}
	}
	fmt.Fprintf(b, "\n      place     %q, effects %d", c.places[id], c.effects[id])
}
