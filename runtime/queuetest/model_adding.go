package queuetest

import (
	"time"

	"github.com/bwmarrin/snowflake"
	"pgregory.net/rapid"

	"github.com/jobgen/jobgen/runtime"
)

// An order is what is asked of a new job. Few different jobs are ordered, so
// that they get in each other's way.
type order struct {
	jobType  runtime.JobType
	payload  any
	attempts int32
	work     time.Duration
	priority int16
	due      time.Duration
}

func drawOrder(t *rapid.T) order {
	o := order{jobType: typeA, payload: payloadA{N: 1, Text: "ä"}}
	if rapid.IntRange(0, 3).Draw(t, "type") == 3 {
		o.jobType, o.payload = typeB, &payloadB{Amount: 0.5}
	}
	o.attempts = rapid.SampledFrom([]int32{0, 1, 2, 3}).Draw(t, "max attempts")
	o.work = rapid.SampledFrom([]time.Duration{unit, unit, 2 * unit, -1, 0}).Draw(t, "max work")
	o.priority = rapid.SampledFrom([]int16{0, 0, 1}).Draw(t, "priority")
	o.due = rapid.SampledFrom([]time.Duration{0, 0, unit / 2, 3 * unit / 2, -unit / 2}).Draw(t, "due")
	return o
}

// options are the order's on a side; what has its default is left out.
func (o order) options(s *side) []runtime.JobOption {
	var opts []runtime.JobOption
	if o.attempts > 0 {
		opts = append(opts, runtime.JobOptions.MaxAttempts(o.attempts))
	}
	if o.work >= 0 {
		opts = append(opts, runtime.JobOptions.MaxWorkDuration(o.work))
	}
	if o.priority > 0 {
		opts = append(opts, runtime.JobOptions.Priority(o.priority))
	}
	if o.due != 0 {
		opts = append(opts, s.due(o.due))
	}
	return opts
}

// learn makes a job known that was added on both sides.
func (m *model) learn(p place, onReal, onRef snowflake.ID) *known {
	k := &known{name: len(m.jobs), ids: [2]snowflake.ID{onReal, onRef}, queue: p.queue, last: -1}
	m.jobs = append(m.jobs, k)
	return k
}

func (m *model) add(t *rapid.T) {
	p, o := drawPlace(t), drawOrder(t)
	onReal, onRef := both(t, m, func(s *side) (snowflake.ID, error) {
		return s.queue(p).Add(t.Context(), o.jobType, o.payload, o.options(s)...)
	})
	k := m.learn(p, onReal, onRef)
	t.Logf("%v: add %+v: job #%d", p, o, k.name)
}

func (m *model) addBatch(t *rapid.T) {
	p, o := drawPlace(t), drawOrder(t)
	payloads := make([]any, rapid.IntRange(0, 3).Draw(t, "jobs"))
	for i := range payloads {
		payloads[i] = o.payload
	}
	onReal, onRef := both(t, m, func(s *side) ([]snowflake.ID, error) {
		return s.queue(p).AddBatch(t.Context(), o.jobType, payloads, o.options(s)...)
	})
	if len(onReal) != len(payloads) {
		t.Fatalf("%d ids of %d jobs", len(onReal), len(payloads))
	}
	for i := range onReal {
		k := m.learn(p, onReal[i], onRef[i])
		t.Logf("%v: add in batch %+v: job #%d", p, o, k.name)
	}
}

func (m *model) addAndClaim(t *rapid.T) {
	p, o, handler := drawPlace(t), drawOrder(t), drawHandler(t)
	onReal, onRef := both(t, m, func(s *side) (*runtime.Job, error) {
		return s.queue(p).AddAndClaim(t.Context(), o.jobType, o.payload, handler, o.options(s)...)
	})
	k := m.learn(p, onReal.ID, onRef.ID)
	t.Logf("%v: %s adds and claims %+v: job #%d", p, handler, o, k.name)
	m.claimed(t, onReal, onRef, handler)
}

// addWrongly adds what no store may accept.
func (m *model) addWrongly(t *rapid.T) {
	p, o := drawPlace(t), drawOrder(t)
	var wrong []runtime.JobOption
	switch rapid.IntRange(0, 5).Draw(t, "mistake") {
	case 0:
		o.jobType = "unknown"
	case 1:
		o.payload = struct{}{}
	case 2:
		o.payload, o.jobType = &payloadA{Text: "nul \x00"}, typeA
	case 3:
		wrong = []runtime.JobOption{runtime.JobOptions.MaxAttempts(0)}
	case 4:
		wrong = []runtime.JobOption{runtime.JobOptions.MaxWorkDuration(-1)}
	case 5:
		wrong = []runtime.JobOption{runtime.JobOptions.Priority(10)}
	}
	bothErr(t, m, func(s *side) error {
		_, err := s.queue(p).Add(t.Context(), o.jobType, o.payload, append(o.options(s), wrong...)...)
		if err == nil {
			t.Fatalf("%+v with %v was accepted", o, wrong)
		}
		return err
	})
}
