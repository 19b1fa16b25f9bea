package main

import (
	"fmt"
	"sync/atomic"
)

const (
	tallyChunk  = 1 << 16
	tallyChunks = 1 << 12
)

// A tally counts, for each job, how often its handler was called. It grows
// while handlers count.
type tally struct {
	chunks [tallyChunks]atomic.Pointer[[tallyChunk]atomic.Int32]
	jobs   int64 // 1 to jobs have been made
	calls  atomic.Int64
}

// grow makes room for jobs up to n, before they are enqueued. One goroutine
// may call it.
func (t *tally) grow(n int64) {
	for c := t.jobs / tallyChunk; c <= n/tallyChunk; c++ {
		if t.chunks[c].Load() == nil {
			t.chunks[c].Store(new([tallyChunk]atomic.Int32))
		}
	}
	t.jobs = n
}

// count counts a call for a job and returns how many calls there were, of all.
func (t *tally) count(seq int64) int64 {
	t.chunks[seq/tallyChunk].Load()[seq%tallyChunk].Add(1)
	return t.calls.Add(1)
}

// check is an error unless each of the jobs 1 to n was handled exactly once.
func (t *tally) check(n int64) error {
	var lost, doubled int64
	for seq := int64(1); seq <= n; seq++ {
		switch c := t.chunks[seq/tallyChunk].Load()[seq%tallyChunk].Load(); {
		case c == 0:
			lost++
		case c > 1:
			doubled++
		}
	}
	if lost+doubled > 0 {
		return fmt.Errorf("of %d jobs %d were never handled and %d more than once", n, lost, doubled)
	}
	return nil
}
