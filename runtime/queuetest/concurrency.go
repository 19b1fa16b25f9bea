package queuetest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
)

var (
	stormJobs = flag.Int("queuetest.jobs", 1000, "queuetest: how many jobs RunConcurrency puts through a back end")
	stormSeed = flag.Uint64("queuetest.seed", 0, "queuetest: what RunConcurrency's clients draw from (0 for a random one)")
)

// RunConcurrency lets 64 handlers, several producers and a canceller loose on
// a store through four services at once: they add, claim, steal, finish late,
// fail, release, cancel and forget. All they did is recorded, and once every
// job has ended the record is checked: nothing lost, no attempt held twice,
// attempt numbers without gaps, limits kept, and each job's answers in an
// order that a single job could have given them in. The store's clock must
// run by itself. The flag -queuetest.jobs sets how many jobs take part.
func RunConcurrency(t *testing.T, h Harness) { checkConcurrency(t, h, *stormJobs) }

// checkConcurrency is RunConcurrency for any kind of test.
func checkConcurrency(t testing.TB, h Harness, jobs int) {
	t.Helper()
	seed := *stormSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	hist := runStorm(t, h(t), jobs, seed)
	if found := checkHistory(hist); len(found) > 0 {
		t.Errorf("-queuetest.seed=%d: %s", seed, hist.report(found))
	}
	t.Logf("-queuetest.seed=%d: %s", seed, hist.summary())
}

const (
	stormServices  = 4
	stormHandlers  = 64
	stormProducers = 6
)

// endLimit is how long a store may take until every job has ended.
var endLimit = time.Minute

var stormQueues = []string{"storm 1", "storm 2"}

const (
	stormTypeA runtime.JobType = "storm_a"
	stormTypeB runtime.JobType = "storm_b"
)

type stormPayload struct {
	N int `json:"n"`
}

var stormCatalogue = runtime.NewCatalogue(
	runtime.Define[stormPayload](stormTypeA, stormQueues[0]),
	runtime.Define[stormPayload](stormTypeB, stormQueues[1]),
)

// A storm is one run.
type storm struct {
	t        testing.TB
	store    Store
	services []*runtime.Store
	queues   [][]queue // by service
	jobs     int
	seed     uint64
	rec      *recorder
	stop     chan struct{}

	// A job made at probed, by the store's clock, was asked for no earlier
	// than probeCall and no later than probeRet, by ours.
	probed    time.Time
	probeCall time.Duration
	probeRet  time.Duration

	mu    sync.Mutex
	known []target
}

// A target is a job that was acknowledged, and may be cancelled.
type target struct {
	id    snowflake.ID
	queue int
}

func runStorm(t testing.TB, store Store, jobs int, seed uint64) history {
	t.Helper()
	s := &storm{t: t, store: store, jobs: jobs, seed: seed, rec: newRecorder(), stop: make(chan struct{})}
	for range stormServices {
		service := store.Open(t, stormCatalogue)
		var queues []queue
		for _, name := range stormQueues {
			opened, err := getQueue(t.Context(), service, name)
			if err != nil {
				t.Fatal(err)
			}
			queues = append(queues, queue{opened})
		}
		s.services = append(s.services, service)
		s.queues = append(s.queues, queues)
	}
	s.probe()

	var producers, others sync.WaitGroup
	for i := range stormProducers {
		producers.Go(s.client(i).produce)
	}
	for i := range stormHandlers {
		others.Go(s.client(100 + i).handle)
	}
	others.Go(s.client(200).cancel)
	producers.Wait()
	s.awaitEnd()
	close(s.stop)
	others.Wait()
	hist := history{ops: s.rec.ops()}
	hist.end = s.ending(hist.ops)
	return hist
}

// probe finds out how the store's clock stands to ours, and that it runs.
func (s *storm) probe() {
	queue, err := s.services[0].GetQueue(s.t.Context(), "clock")
	if err != nil {
		s.t.Fatal(err)
	}
	at := func() time.Time {
		s.probeCall = time.Since(s.rec.start)
		job, err := queue.AddAndClaim(s.t.Context(), stormTypeA, stormPayload{}, "probe")
		if err != nil {
			s.t.Fatal(err)
		}
		s.probeRet = time.Since(s.rec.start)
		if err := job.Complete(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
		return job.Created
	}
	first := at()
	<-time.After(2 * time.Millisecond)
	if s.probed = at(); !s.probed.After(first) {
		s.t.Fatal("the store's clock stands still: RunConcurrency needs one that runs")
	}
}

// dueIn returns the store's time d from now, and the earliest moment of the
// run at which it may have passed.
func (s *storm) dueIn(d time.Duration) (time.Time, time.Duration) {
	due := s.probed.Add(time.Since(s.rec.start) - s.probeRet + d).Truncate(time.Microsecond)
	return due, s.probeCall + due.Sub(s.probed)
}

// awaitEnd waits until every job has ended, or for as long as a store may take.
func (s *storm) awaitEnd() {
	deadline := time.After(endLimit)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if stats := s.stats(); stats.Waiting+stats.Claimed == 0 {
			return
		}
		select {
		case <-deadline:
			s.t.Errorf("jobs have not ended after %v: %+v", endLimit, s.stats())
			return
		case <-tick.C:
		}
	}
}

func (s *storm) stats() runtime.JobQueueStats {
	var sum runtime.JobQueueStats
	for _, queue := range s.queues[0] {
		stats, err := queue.Stats(s.t.Context())
		if err != nil {
			s.t.Errorf("stats: %v", err)
		}
		sum.Waiting += stats.Waiting
		sum.Due += stats.Due
		sum.Claimed += stats.Claimed
	}
	return sum
}

// ending reads what the store says of the jobs of ops.
func (s *storm) ending(ops []op) ending {
	e := ending{logs: make(map[attempt]logRow), dead: make(map[snowflake.ID]bool), stats: s.stats()}
	s.readLogs(ops, e.logs)
	for _, queue := range s.queues[0] {
		e.deadKnown = true
		s.readDead(queue, e.dead)
		for _, take := range []func(context.Context, string) (*runtime.Job, error){queue.TryClaim, queue.TrySteal} {
			if job, err := take(s.t.Context(), "last look"); err == nil {
				e.claimable = append(e.claimable, job.ID)
			} else if !errors.Is(err, runtime.ErrJobNotFound) {
				s.t.Errorf("last look: %v", err)
			}
		}
	}
	return e
}

func (s *storm) readDead(letters queue, dead map[snowflake.ID]bool) {
	const page = 100
	for after := snowflake.ID(0); ; {
		jobs, err := letters.DeadJobs(s.t.Context(), after, page)
		if err != nil {
			s.t.Errorf("dead jobs: %v", err)
		}
		for _, job := range jobs {
			if job.ID <= after {
				s.t.Errorf("dead jobs after %d hold %d", after, job.ID)
				return
			}
			after = job.ID
			dead[job.ID] = true
		}
		if len(jobs) < page {
			return
		}
	}
}

// readLogs reads the log of every attempt, and of one more for each job.
func (s *storm) readLogs(ops []op, logs map[attempt]logRow) {
	last := make(map[snowflake.ID]int32)
	queueOf := make(map[snowflake.ID]int)
	for _, o := range ops {
		if o.kind == opAdd {
			queueOf[o.job] = o.queue
			last[o.job] = max(last[o.job], 0)
		}
		if o.kind == opClaim || o.kind == opSteal {
			last[o.job] = max(last[o.job], o.attempt+1)
		}
	}
	wanted := make(chan attempt)
	var mu sync.Mutex
	var readers sync.WaitGroup
	for i := range 2 * stormServices {
		readers.Go(func() {
			for a := range wanted {
				log, err := s.queues[i%stormServices][queueOf[a.job]].Log(s.t.Context(), a.job, a.number)
				mu.Lock()
				logs[a] = logRow{log, err}
				mu.Unlock()
			}
		})
	}
	for id, n := range last {
		for number := range n + 1 {
			if id != 0 {
				wanted <- attempt{id, number}
			}
		}
	}
	close(wanted)
	readers.Wait()
}

// summary says how much of what the run has seen.
func (h history) summary() string {
	counts := make(map[string]int)
	for _, o := range h.ops {
		name := o.kind.String()
		if o.err != nil {
			name += " " + outcomeName(o.err)
		}
		counts[name]++
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d calls:", len(h.ops))
	for k := opAdd; k <= opCancel; k++ {
		for name, n := range counts {
			if name == k.String() || strings.HasPrefix(name, k.String()+" ") {
				fmt.Fprintf(&b, " %s %d,", name, n)
			}
		}
	}
	fmt.Fprintf(&b, " dead %d", len(h.end.dead))
	return b.String()
}
