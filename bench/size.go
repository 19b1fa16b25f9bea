package main

import (
	"errors"
	"flag"
	"fmt"
	"time"
)

// size is how much each measurement does.
type size struct {
	enqueueFor time.Duration // of single enqueues
	batches    int
	batchOf    int
	drain      int           // jobs
	mixedFor   time.Duration // of production
	latencyFor time.Duration // at the lowest rate; a third of it at the others
	heldFor    time.Duration
	waiting    int // jobs behind those that are drained
	history    int // finished jobs whose attempts are kept
	future     int // jobs that are not due yet
	one        int // jobs worked one at a time
	choices    int // jobs drained per variant
	idleFor    time.Duration
	herd       int           // idle workers
	herdFor    time.Duration // one job a second
}

func fullSize() size {
	return size{
		enqueueFor: 1200 * time.Millisecond, batches: 10, batchOf: 10_000, drain: 400_000,
		mixedFor: 30 * time.Second, latencyFor: 4 * time.Second, heldFor: 75 * time.Second,
		waiting: 5_000_000, history: 10_000_000, future: 100_000, one: 5_000, choices: 200_000,
		idleFor: time.Minute, herd: 200, herdFor: 30 * time.Second,
	}
}

// quickSize shows the order of magnitude within three minutes.
func quickSize() size {
	return size{
		enqueueFor: 300 * time.Millisecond, batches: 2, batchOf: 10_000, drain: 30_000,
		mixedFor: 2 * time.Second, latencyFor: 1200 * time.Millisecond, heldFor: 4 * time.Second,
		waiting: 100_000, history: 200_000, future: 5_000, one: 500, choices: 20_000,
		idleFor: 5 * time.Second, herd: 20, herdFor: 2 * time.Second,
	}
}

// tinySize only shows that everything works.
func tinySize() size {
	return size{
		enqueueFor: 50 * time.Millisecond, batches: 2, batchOf: 100, drain: 1_000,
		mixedFor: 100 * time.Millisecond, latencyFor: 150 * time.Millisecond, heldFor: 250 * time.Millisecond,
		waiting: 1_000, history: 1_000, future: 100, one: 20, choices: 1_000,
		idleFor: 100 * time.Millisecond, herd: 4, herdFor: 100 * time.Millisecond,
	}
}

func (s *size) flags(flags *flag.FlagSet) {
	flags.DurationVar(&s.enqueueFor, "enqueue", s.enqueueFor, "how long single enqueues go on")
	flags.IntVar(&s.batches, "batches", s.batches, "how many batches are enqueued")
	flags.IntVar(&s.batchOf, "batch", s.batchOf, "how many jobs are in a batch")
	flags.IntVar(&s.drain, "drain", s.drain, "how many jobs are drained")
	flags.DurationVar(&s.mixedFor, "mixed", s.mixedFor, "how long jobs are produced and worked at once")
	flags.DurationVar(&s.latencyFor, "latency", s.latencyFor, "how long latency is taken at 20 jobs/s, and a third of it at the other rates")
	flags.DurationVar(&s.heldFor, "held", s.heldFor, "how long jobs are produced and worked while a snapshot is held")
	flags.IntVar(&s.waiting, "waiting", s.waiting, "how many jobs wait behind those that are drained, and how many are counted")
	flags.IntVar(&s.history, "history", s.history, "how many finished jobs the history holds during a drain")
	flags.IntVar(&s.future, "future", s.future, "how many jobs are not due yet during a drain")
	flags.IntVar(&s.one, "one", s.one, "how many jobs are worked one at a time")
	flags.IntVar(&s.choices, "choices", s.choices, "how many jobs are drained to compare design choices")
	flags.DurationVar(&s.idleFor, "idle", s.idleFor, "how long a worker is watched that has nothing to do")
	flags.IntVar(&s.herd, "herd", s.herd, "how many processes' workers wait for one job a second")
	flags.DurationVar(&s.herdFor, "herdfor", s.herdFor, "how long they get one job a second")
}

func (s *size) check() error {
	if min(s.batches, s.batchOf, s.drain, s.waiting, s.history, s.future, s.one, s.choices, s.herd) < 1 ||
		min(s.enqueueFor, s.mixedFor, s.latencyFor, s.heldFor, s.idleFor, s.herdFor) < time.Millisecond {
		return errors.New("every size must be at least 1, and every duration at least 1ms")
	}
	return nil
}

func (s *size) String() string {
	return fmt.Sprintf("single enqueues for %v; %d batches of %d; drain %d; produce and work %v; latency %v at 20/s, a third of it at other rates; held snapshot %v; %d waiting; %d in history; %d not due yet; one at a time %d; choices %d; idle %v; %d idle workers with one job a second %v",
		s.enqueueFor, s.batches, s.batchOf, s.drain, s.mixedFor, s.latencyFor, s.heldFor, s.waiting, s.history, s.future, s.one, s.choices, s.idleFor, s.herd, s.herdFor)
}
