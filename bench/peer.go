package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
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
	// Work starts to work jobs, with handlers of them at once; 0 is what the
	// peer is measured with. The function returned stops it and waits until
	// all that was begun has been recorded.
	Work(ctx context.Context, handlers int, handle handler) (stop func() error, err error)
	// Remaining counts the jobs that are not finished.
	Remaining(ctx context.Context) (int64, error)
	Close() error
}

// A peer is a queue implementation under measurement, in one configuration.
type peer struct {
	name string
	// about names versions and settings in the report.
	about string
	// slow divides the number of jobs of a drain, for a peer that would
	// otherwise take minutes.
	slow int
	// embedded peers have no server: dir is theirs, dsn is empty.
	embedded bool
	open     func(ctx context.Context, place place) (queue, error)
}

// A place is where a peer keeps its jobs for one measurement.
type place struct {
	dsn string // of an empty database
	dir string // an empty directory
}

// peers lists all peers in the order of their columns.
func peers() []peer {
	return []peer{jobgenPeer(), rawPeer(), riverPeer(), riverDefaultsPeer(), guePeer()}
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
