package queuetest

import (
	"errors"
	"math"
	"slices"
	"time"

	"github.com/bwmarrin/snowflake"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/jobgen/jobgen/runtime"
)

var sentinels = []error{
	runtime.ErrInvalidJobType, runtime.ErrJobCancelled, runtime.ErrJobNotFound, runtime.ErrJobNotClaimed,
	runtime.ErrJobQueueAlreadyExists, runtime.ErrJobQueueNotFound,
}

// sameError holds that errors are the same to callers who match them.
func sameError(t *rapid.T, what string, onReal, onRef error) {
	t.Helper()
	same := (onReal == nil) == (onRef == nil)
	for _, sentinel := range sentinels {
		same = same && errors.Is(onReal, sentinel) == errors.Is(onRef, sentinel)
	}
	if !same {
		t.Fatalf("%s: error %v; the reference: %v", what, onReal, onRef)
	}
}

func same(t *rapid.T, what string, onReal, onRef any) {
	t.Helper()
	if diff := cmp.Diff(onRef, onReal, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s: difference (-reference +store):\n%s", what, diff)
	}
}

// knownAs returns the job that has that id on a side.
func (m *model) knownAs(t *rapid.T, s *side, id snowflake.ID) *known {
	t.Helper()
	for _, k := range m.jobs {
		if k.id(s) == id {
			return k
		}
	}
	t.Fatalf("job %d was never added", id)
	return nil
}

// A seen job is what can be compared of one: its times count from now.
type seen struct {
	Job                             int
	Type                            runtime.JobType
	Payload                         any
	MaxWork                         time.Duration
	AttemptsMade, AttemptsRemaining int32
	Priority, Version               int16
	Claimed, OwnID, Created         bool
	Handler                         string
	Number                          int32
	Queue                           int
}

func (m *model) see(t *rapid.T, s *side, job *runtime.Job) seen {
	t.Helper()
	v := seen{
		Job: m.knownAs(t, s, job.ID).name, Type: job.Type, MaxWork: job.MaxWorkDuration,
		AttemptsMade: job.AttemptsMade, AttemptsRemaining: job.AttemptsRemaining,
		Priority: job.Priority, Version: job.PayloadVersion,
		Claimed: job.JobClaim != nil, Created: !job.Created.IsZero(),
	}
	payload, err := job.Payload()
	if err != nil {
		t.Fatalf("payload of job #%d: %v", v.Job, err)
	}
	v.Payload = payload
	if v.Claimed {
		v.OwnID, v.Handler, v.Number = job.JobID == job.ID, job.HandlerID, job.AttemptNumber
		v.Queue = slices.Index(s.names, job.Queue.Name())
	}
	return v
}

// compareJob holds that a job is the same on both sides, and returns it.
func (m *model) compareJob(t *rapid.T, onReal, onRef *runtime.Job) *known {
	t.Helper()
	if onReal == nil {
		t.Fatal("neither a job nor an error")
	}
	same(t, "the job", m.see(t, m.real, onReal), m.see(t, m.ref, onRef))
	if onRef.JobClaim == nil {
		return m.knownAs(t, m.ref, onRef.ID) // a dead job has no due that means anything
	}
	realIn, refIn := onReal.Due.Sub(m.real.now()), onRef.Due.Sub(m.ref.now())
	if d := realIn - refIn; d.Abs() > tolerance {
		t.Fatalf("the job is due in %v; the reference: %v", realIn, refIn)
	}
	return m.knownAs(t, m.ref, onRef.ID)
}

// compareStats is what is compared after every call.
func (m *model) compareStats(t *rapid.T) {
	for queue := range modelQueues {
		p := place{queue, queue} // each from another process
		onReal, onRef := both(t, m, func(s *side) (runtime.JobQueueStats, error) { return s.queue(p).Stats(t.Context()) })
		same(t, "stats of queue "+modelQueues[queue], onReal, onRef)
	}
}

func (m *model) log(t *rapid.T) {
	k := m.drawJob(t)
	m.compareLog(t, placeOf(t, k), k, rapid.Int32Range(-1, 3).Draw(t, "attempt"))
}

func (m *model) compareLog(t *rapid.T, p place, k *known, number int32) {
	t.Helper()
	t.Logf("%v: log of job #%d attempt %d", p, k.name, number)
	onReal, onRef := both(t, m, func(s *side) (*runtime.JobLog, error) { return s.queue(p).Log(t.Context(), k.id(s), number) })
	same(t, "the log", onReal, onRef)
}

func (m *model) lostClaims(t *rapid.T) {
	first := m.drawClaim(t)
	p, claims := placeOf(t, first.job), []held{first}
	for _, c := range m.claims {
		if c != first {
			claims = append(claims, c)
		}
	}
	t.Logf("%v: lost claims of %s among %v", p, first.handler, claims)
	onReal, onRef := both(t, m, func(s *side) (map[string]string, error) {
		var refs []claimRef
		for _, c := range claims {
			refs = append(refs, c.ref(s))
		}
		lost, err := s.queue(p).LostClaims(t.Context(), first.handler, refs)
		causes := make(map[string]string)
		for _, l := range lost {
			for _, c := range claims {
				if c.ref(s) != l.claimRef {
					continue
				}
				cause := l.Cause.Error()
				if c.handler, c.released = first.handler, false; !slices.Contains(m.claims, c) {
					cause = "nothing to lose" // and its cause means nothing
				}
				causes[c.String()] = cause
			}
		}
		return causes, err
	})
	same(t, "the lost claims", onReal, onRef)
}

func (m *model) deadJobs(t *rapid.T) {
	k := m.drawJob(t)
	p := placeOf(t, k)
	m.compareDead(t, p, k, rapid.IntRange(0, 3).Draw(t, "limit"))
}

// compareDead compares a page of dead jobs after one job. Ids grow with time,
// but those of two processes within a millisecond may not, so what the page
// should hold is worked out from the reference's jobs and the store's ids.
func (m *model) compareDead(t *rapid.T, p place, after *known, limit int) {
	t.Helper()
	t.Logf("%v: %d dead jobs after #%d", p, limit, after.name)
	all, err := m.ref.queue(p).DeadJobs(t.Context(), math.MinInt64, math.MaxInt)
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[snowflake.ID]*runtime.Job)
	var ids []snowflake.ID
	for _, job := range all {
		if id := m.knownAs(t, m.ref, job.ID).id(m.real); id > after.id(m.real) {
			want[id] = job
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	ids = ids[:min(limit, len(ids))]
	got, err := m.real.queue(p).DeadJobs(t.Context(), after.id(m.real), limit)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(ids) {
		t.Fatalf("%d jobs are dead; in the reference %d", len(got), len(ids))
	}
	for i, job := range got {
		if job.ID != ids[i] {
			t.Fatalf("dead job %d is %d; want %d", i, job.ID, ids[i])
		}
		m.compareJob(t, job, want[job.ID])
	}
}

// compareAll compares all that can be seen at the end: every attempt, the dead
// jobs, and in which order what is left can be claimed and stolen once its
// time has come.
func (m *model) compareAll(t *rapid.T) {
	t.Log("at the end:")
	for i, k := range m.jobs {
		for number := int32(-1); number <= k.last+1; number++ {
			m.compareLog(t, place{i % 2, k.queue}, k, number)
		}
	}
	for queue := range modelQueues {
		p := place{1 - queue, queue}
		m.compareDead(t, p, nobody, math.MaxInt)
	}
	m.pass(t, 10*unit)
	m.compareStats(t)
	for queue := range modelQueues {
		const last = "last look"
		p := place{queue, queue}
		for m.take(t, last, func(s *side) (*runtime.Job, error) { return s.queue(p).TryClaim(t.Context(), last) }) {
		}
		for m.take(t, last, func(s *side) (*runtime.Job, error) { return s.queue(p).TrySteal(t.Context(), last) }) {
		}
	}
	m.compareStats(t)
}
