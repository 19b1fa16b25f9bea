package queuetest

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/bwmarrin/snowflake"
	"pgregory.net/rapid"
)

// id is the job's on a side.
func (k *known) id(s *side) snowflake.ID { return k.ids[s.number] }

func (h held) ref(s *side) claimRef {
	return claimRef{JobID: h.job.id(s), AttemptNumber: h.number}
}

func (h held) String() string {
	return fmt.Sprintf("job #%d attempt %d of %s", h.job.name, h.number, h.handler)
}

// drawJob draws a job, or one that nobody knows.
func (m *model) drawJob(t *rapid.T) *known {
	if len(m.jobs) == 0 {
		return nobody
	}
	i := rapid.IntRange(-1, len(m.jobs)-1).Draw(t, "job")
	if i < 0 {
		return nobody
	}
	return m.jobs[i]
}

// drawDead draws a job of those that are dead, if there are any, and now and then
// any other.
func (m *model) drawDead(t *rapid.T) *known {
	var dead []*known
	for queue := range modelQueues {
		jobs, err := m.ref.queue(place{0, queue}).DeadJobs(t.Context(), math.MinInt64, math.MaxInt)
		if err != nil {
			t.Fatal(err)
		}
		for _, job := range jobs {
			dead = append(dead, m.knownAs(t, m.ref, job.ID))
		}
	}
	if len(dead) == 0 || rapid.IntRange(0, 4).Draw(t, "any job") == 4 {
		return m.drawJob(t)
	}
	return rapid.SampledFrom(dead).Draw(t, "dead job")
}

// drawClaim draws a claim that was made, or one that may never have been.
func (m *model) drawClaim(t *rapid.T) held {
	if len(m.claims) == 0 || rapid.IntRange(0, 5).Draw(t, "made up") == 5 {
		return held{job: m.drawJob(t), number: rapid.Int32Range(-1, 3).Draw(t, "attempt"), handler: drawHandler(t)}
	}
	return m.claims[rapid.IntRange(0, len(m.claims)-1).Draw(t, "claim")]
}

// placeOf draws the process to speak to about a job, in its queue but for the
// job that nobody knows.
func placeOf(t *rapid.T, k *known) place {
	p := drawPlace(t)
	if k != nobody && rapid.IntRange(0, 9).Draw(t, "in another queue") != 9 {
		p.queue = k.queue
	}
	return p
}

func (m *model) complete(t *rapid.T) { m.completeOne(t, m.drawClaim(t)) }

// completeAll completes all attempts at one job that are still worked on, the
// latest first or last. Left to chance alone that would be rare.
func (m *model) completeAll(t *rapid.T) {
	contested := make(map[*known][]held)
	var jobs []*known
	for _, c := range m.claims {
		if contested[c.job] = append(contested[c.job], c); len(contested[c.job]) == 2 {
			jobs = append(jobs, c.job)
		}
	}
	if len(jobs) == 0 {
		t.Skip("no job is contested")
	}
	claims := contested[rapid.SampledFrom(jobs).Draw(t, "contested job")]
	if rapid.Bool().Draw(t, "latest first") {
		slices.Reverse(claims)
	}
	for _, c := range claims {
		m.completeOne(t, c)
	}
}

func (m *model) completeOne(t *rapid.T, c held) {
	t.Helper()
	p := placeOf(t, c.job)
	log := rapid.SampledFrom([]string{"", "log", "another log"}).Draw(t, "log")
	t.Logf("%v: complete %v", p, c)
	bothErr(t, m, func(s *side) error {
		return s.queue(p).Complete(t.Context(), c.job.id(s), c.handler, c.number, []byte(log))
	})
}

func (m *model) fail(t *rapid.T) {
	c := m.drawClaim(t)
	p := placeOf(t, c.job)
	reason := rapid.SampledFrom([]string{"", "no", "nul \x00 and \xff"}).Draw(t, "reason")
	t.Logf("%v: fail %v", p, c)
	bothErr(t, m, func(s *side) error {
		return s.queue(p).Fail(t.Context(), c.job.id(s), c.handler, c.number, reason, []byte("failed"))
	})
}

// drawRetry draws when to try again.
func drawRetry(t *rapid.T) time.Duration {
	return rapid.SampledFrom([]time.Duration{0, unit / 4, 5 * unit / 4, -unit}).Draw(t, "retry in")
}

func (m *model) failAndRetry(t *rapid.T) {
	c := m.drawClaim(t)
	p, in := placeOf(t, c.job), drawRetry(t)
	t.Logf("%v: fail %v, retry in %v", p, c, in)
	bothErr(t, m, func(s *side) error {
		return s.queue(p).FailAndRetry(t.Context(), c.job.id(s), c.handler, c.number, "later", nil, in)
	})
}

func (m *model) finishBatch(t *rapid.T) {
	p, handler := drawPlace(t), ""
	claims := make([]held, rapid.IntRange(1, 4).Draw(t, "outcomes"))
	drawn := make([]attemptEnd, len(claims))
	for i := range claims {
		claims[i] = m.drawClaim(t)
		if handler == "" { // most belong to the first one's handler and queue
			handler, p.queue = claims[i].handler, claims[i].job.queue
		}
		drawn[i] = attemptEnd{AttemptNumber: claims[i].number, Success: rapid.Bool().Draw(t, "success"), Log: []byte{'0' + byte(i)}}
		if !drawn[i].Success {
			drawn[i].Reason, drawn[i].RetryIn, drawn[i].Final = fmt.Sprint("no ", i), drawRetry(t), rapid.IntRange(0, 3).Draw(t, "final") == 3
		}
		t.Logf("%v: %s finishes %v: %+v", p, handler, claims[i], drawn[i])
	}
	onReal, onRef := both(t, m, func(s *side) ([]error, error) {
		outcomes := append([]attemptEnd(nil), drawn...)
		for i := range outcomes {
			outcomes[i].JobID = claims[i].job.id(s)
		}
		return s.queue(p).FinishBatch(t.Context(), handler, outcomes)
	})
	if len(onReal) != len(onRef) {
		t.Fatalf("%d results of %d outcomes", len(onReal), len(drawn))
	}
	for i := range onReal {
		sameError(t, fmt.Sprint("outcome ", i), onReal[i], onRef[i])
	}
}

func (m *model) release(t *rapid.T) {
	first := m.drawClaim(t)
	p, claims := placeOf(t, first.job), []held{first}
	for range rapid.IntRange(0, 2).Draw(t, "more") {
		claims = append(claims, m.drawClaim(t))
	}
	for _, c := range claims {
		for i := range m.claims {
			if m.claims[i] == c && c.handler == first.handler {
				m.claims[i].released = true
			}
		}
	}
	t.Logf("%v: %s releases %v", p, first.handler, claims)
	bothErr(t, m, func(s *side) error {
		var refs []claimRef
		for _, c := range claims {
			refs = append(refs, c.ref(s))
		}
		return s.queue(p).Release(t.Context(), first.handler, refs)
	})
}

func (m *model) cancel(t *rapid.T) {
	k := m.drawJob(t)
	p := placeOf(t, k)
	t.Logf("%v: cancel job #%d", p, k.name)
	bothErr(t, m, func(s *side) error { return s.queue(p).Cancel(t.Context(), k.id(s)) })
}

func (m *model) revive(t *rapid.T) {
	k := m.drawDead(t)
	p, attempts := placeOf(t, k), rapid.Int32Range(0, 2).Draw(t, "attempts")
	t.Logf("%v: revive job #%d", p, k.name)
	bothErr(t, m, func(s *side) error {
		return s.queue(p).Revive(t.Context(), k.id(s), attempts)
	})
}

// drain empties a queue, seldom enough that it is not empty all the time.
func (m *model) drain(t *rapid.T) {
	if rapid.IntRange(0, 4).Draw(t, "drain") != 4 {
		t.Skip("not this time")
	}
	p := drawPlace(t)
	t.Logf("%v: drain", p)
	onReal, onRef := both(t, m, func(s *side) (int64, error) {
		return s.services[p.process].DrainQueue(t.Context(), s.names[p.queue])
	})
	if onReal != onRef {
		t.Fatalf("drained %d jobs; the reference %d", onReal, onRef)
	}
}

// transaction finishes a claim and adds a job in one transaction. What is
// rolled back the reference never hears of.
func (m *model) transaction(t *rapid.T) {
	c, commits := m.drawClaim(t), rapid.Bool().Draw(t, "commit")
	p, o := placeOf(t, c.job), drawOrder(t)
	success := rapid.Bool().Draw(t, "success")
	do := func(s *side, queue queue) (id snowflake.ID, finished error) {
		if success {
			finished = queue.Complete(t.Context(), c.job.id(s), c.handler, c.number, []byte("in a transaction"))
		} else {
			finished = queue.Fail(t.Context(), c.job.id(s), c.handler, c.number, "in a transaction", nil)
		}
		id, err := queue.Add(t.Context(), o.jobType, o.payload, o.options(s)...)
		if err != nil {
			t.Fatalf("add in a transaction: %v", errors.Join(err, finished))
		}
		return id, finished
	}
	m.real.tick()
	m.ref.tick()
	bound, commit, rollback := m.real.store.(Transactor).Begin(m.real.tb, m.real.services[p.process])
	opened, err := getQueue(t.Context(), bound, m.real.names[p.queue])
	if err != nil {
		t.Fatal(errors.Join(err, rollback()))
	}
	onReal, realErr := do(m.real, queue{opened})
	if !commits {
		t.Logf("%v: finish %v and add, rolled back", p, c)
		m.ref.added = m.real.added
		if err := rollback(); err != nil {
			t.Fatalf("roll back: %v", err)
		}
		return
	}
	if err := commit(); err != nil {
		t.Fatalf("commit: %v", err)
	}
	onRef, refErr := do(m.ref, m.ref.queue(p))
	k := m.learn(p, onReal, onRef)
	t.Logf("%v: finish %v (success %v) and add %+v: job #%d", p, c, success, o, k.name)
	sameError(t, "finishing in a transaction", realErr, refErr)
}
