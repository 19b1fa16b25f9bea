package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A job is what every peer carries: a number that names it within one
// measurement, and text that brings its JSON to about 200 bytes.
type job struct {
	Seq  int64
	Text string
}

// jobText pads the payload's second field.
var jobText = "welcome:" + strings.Repeat("0123456789abcdef", 9)

func newJob(seq int64) job { return job{Seq: seq, Text: jobText} }

// A handler is told the number of each job that it is to work. It may be
// called from many goroutines.
type handler func(seq int64)

// A queue is one peer's queue, open on a database of its own. Enqueue and
// EnqueueBatch may be called from many goroutines.
type queue interface {
	// Enqueue returns once the job is committed.
	Enqueue(ctx context.Context, j job) error
	// EnqueueBatch returns once all the jobs are committed, in one transaction.
	EnqueueBatch(ctx context.Context, js []job) error
	// Work starts to work jobs with what the peer is measured with. The
	// function returned stops it and waits until all that was begun has been
	// recorded.
	Work(ctx context.Context, handle handler) (stop func() error, err error)
	// Remaining counts the jobs that are not finished.
	Remaining(ctx context.Context) (int64, error)
	Close() error
}

// What follows a queue may have besides; a measurement that needs it leaves
// other peers out.

// A finishedCounter counts the rows that say that a job has finished, or
// returns noRecord.
type finishedCounter interface {
	Finished(ctx context.Context) (int64, error)
}

const noRecord = -1

// An idler has idle workers that its enqueues wake. They work nothing.
type idler interface {
	Idle(ctx context.Context) (stop func(), err error)
}

// A singleWorker works jobs one at a time: each is claimed alone, handled and
// finished before the next is claimed. It returns after n jobs.
type singleWorker interface {
	WorkSingly(ctx context.Context, n int, handle handler) error
}

// A foreign client works in a process of its own, whose CPU time is the
// client's too.
type foreignClient interface {
	ClientCPU() time.Duration
}

// errMissing says that what a peer needs is not on this machine.
var errMissing = errors.New("left out")

// A peer is a queue implementation under measurement, in one configuration.
type peer struct {
	name string
	// about names settings in the report, module the Go module whose version
	// stands before them.
	about, module string
	// slow divides the number of jobs of a drain, for a peer that would
	// otherwise take minutes.
	slow int
	// embedded peers have no server: place.dir is theirs, place.dsn is empty.
	embedded bool
	// variant peers are measured only where a measurement or -peers names them.
	variant bool
	open    func(ctx context.Context, place place) (queue, error)
}

// A place is where a peer keeps its jobs for one measurement.
type place struct {
	dsn string // of an empty database
	dir string // an empty directory
}

// peers lists all peers in the order of the tables.
func peers() []peer {
	all := []peer{jobgenPeer(), rawPeer(), riverPeer(), riverDefaultsPeer(), guePeer(), graphilePeer(), sqlitePeer()}
	return append(all, rawVariants()...)
}

// choosePeers returns the peers named in a comma-separated list; all of them
// for "".
func choosePeers(list string) ([]peer, error) {
	all := peers()
	if list == "" {
		return all, nil
	}
	var chosen []peer
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(all, func(p peer) bool { return p.name == name })
		if i < 0 {
			var names []string
			for _, p := range all {
				names = append(names, p.name)
			}
			return nil, fmt.Errorf("-peers: no peer is called %q; there are %s", name, strings.Join(names, ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}
