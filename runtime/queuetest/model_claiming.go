package queuetest

import (
	"time"

	"pgregory.net/rapid"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
)

func drawHandler(t *rapid.T) string { return rapid.SampledFrom(modelHandlers).Draw(t, "handler") }

// claimed holds that both sides claimed the same job, and notes who holds it.
func (m *model) claimed(t *rapid.T, onReal, onRef *runtime.Job, handler string) {
	t.Helper()
	k := m.compareJob(t, onReal, onRef)
	k.last = onRef.AttemptNumber
	t.Logf("  %s holds attempt %d of job #%d, %d remain", handler, onRef.AttemptNumber, k.name, onRef.AttemptsRemaining)
	m.claims = append(m.claims, held{job: k, number: onRef.AttemptNumber, handler: handler})
	if onRef.AttemptsRemaining == 0 {
		m.doomed = append(m.doomed, doom{k.queue, m.ref.now().Add(onRef.MaxWorkDuration)})
		m.bury(t)
	}
}

// bury sees to upkeep on both sides as soon as a last attempt has expired,
// since until then nothing says which of the two has seen to it already.
func (m *model) bury(t *rapid.T) {
	t.Helper()
	var waiting []doom
	due := make(map[int]bool)
	for _, d := range m.doomed {
		if d.at.After(m.ref.now()) {
			waiting = append(waiting, d)
		} else {
			due[d.queue] = true
		}
	}
	m.doomed = waiting
	for queue := range modelQueues {
		if due[queue] {
			m.upkeep(t, place{0, queue})
		}
	}
}

// upkeep makes a claim that takes nothing.
func (m *model) upkeep(t *rapid.T, p place) {
	t.Helper()
	onReal, _ := both(t, m, func(s *side) (claimedBatch, error) {
		return s.queue(p).ClaimBatch(t.Context(), claimRequest{
			HandlerID: "undertaker", Types: firstVersions("nobody's"), Limit: 1000,
		})
	})
	if len(onReal.Jobs) > 0 {
		t.Fatalf("upkeep claimed %v", onReal.Jobs)
	}
}

// take claims one job on both sides, and reports whether there was one.
func (m *model) take(t *rapid.T, handler string, how func(s *side) (*runtime.Job, error)) bool {
	t.Helper()
	onReal, onRef := both(t, m, how)
	if onRef == nil {
		return false
	}
	m.claimed(t, onReal, onRef, handler)
	return true
}

func (m *model) tryClaim(t *rapid.T) {
	p, handler := drawPlace(t), drawHandler(t)
	t.Logf("%v: %s claims", p, handler)
	m.take(t, handler, func(s *side) (*runtime.Job, error) { return s.queue(p).TryClaim(t.Context(), handler) })
}

func (m *model) trySteal(t *rapid.T) {
	p, handler := drawPlace(t), drawHandler(t)
	t.Logf("%v: %s steals", p, handler)
	m.take(t, handler, func(s *side) (*runtime.Job, error) { return s.queue(p).TrySteal(t.Context(), handler) })
}

func (m *model) claimBatch(t *rapid.T) {
	p := drawPlace(t)
	req := claimRequest{
		HandlerID: drawHandler(t),
		Types:     rapid.SampledFrom([][]driver.TypeVersion{bothTypes, firstVersions(typeA), firstVersions(typeB, "unknown")}).Draw(t, "types"),
		Limit:     rapid.IntRange(1, 3).Draw(t, "limit"),
	}
	t.Logf("%v: claim batch %+v", p, req)
	onReal, onRef := both(t, m, func(s *side) (claimedBatch, error) {
		return s.queue(p).ClaimBatch(t.Context(), req)
	})
	if len(onReal.Jobs) != len(onRef.Jobs) {
		t.Fatalf("claimed %d jobs; the reference %d", len(onReal.Jobs), len(onRef.Jobs))
	}
	for i := range onReal.Jobs {
		m.claimed(t, onReal.Jobs[i], onRef.Jobs[i], req.HandlerID)
	}
}

func (m *model) advance(t *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{unit, 2 * unit}).Draw(t, "by")
	t.Logf("advance %v", d)
	m.pass(t, d)
}

// pass lets d pass on both sides.
func (m *model) pass(t *rapid.T, d time.Duration) {
	t.Helper()
	m.real.advance(d)
	m.ref.advance(d)
	m.bury(t)
}

// crash is a handler that never says another word about its claim.
func (m *model) crash(t *rapid.T) {
	if len(m.claims) == 0 {
		t.Skip("nobody holds anything")
	}
	i := rapid.IntRange(0, len(m.claims)-1).Draw(t, "claim")
	t.Logf("crash of %s with job #%d", m.claims[i].handler, m.claims[i].job.name)
	m.claims = append(m.claims[:i:i], m.claims[i+1:]...)
}
