package queuetest

import (
	"cmp"
	"slices"
)

// A call is a step of one client, with when it was invoked and answered.
type call struct {
	step              step
	invoked, answered int64
}

// An answer is what a search came to.
type answer int

const (
	undecided answer = iota // it took too long
	yes
	no
)

// searchLimit is how many states a search looks at before it gives up.
const searchLimit = 2_000_000

// linearizable reports whether there is an order of the calls, each at some time
// between its invocation and its answer, in which apply explains every answer,
// beginning with the state first. It is the search of Wing and Gong (Testing and
// Verifying Concurrent Objects, 1993), which remembers, as Lowe (Testing for
// Linearizability, 2017) has it, what it has seen: a set of calls that are done
// and the state that they led to.
func linearizable(calls []call, first bookkeeping, apply func(bookkeeping, step) (bookkeeping, bool)) answer {
	calls = slices.Clone(calls)
	slices.SortStableFunc(calls, func(a, b call) int { return cmp.Compare(a.invoked, b.invoked) })
	type node struct {
		done  string // a bit for each call
		state bookkeeping
	}
	begin := node{done: string(make([]byte, (len(calls)+7)/8)), state: first}
	seen := map[node]bool{begin: true}
	for open := []node{begin}; len(open) > 0; {
		if len(seen) > searchLimit {
			return undecided
		}
		at := open[len(open)-1]
		open = open[:len(open)-1]
		// The next call is one that no other call, which is not done, was answered before.
		earliest, left := int64(0), false
		for i, c := range calls {
			if at.done[i/8]&(1<<(i%8)) == 0 && (!left || c.answered < earliest) {
				earliest, left = c.answered, true
			}
		}
		if !left {
			return yes
		}
		for i, c := range calls {
			if c.invoked > earliest {
				break
			}
			if at.done[i/8]&(1<<(i%8)) != 0 {
				continue
			}
			state, ok := apply(at.state, c.step)
			if !ok {
				continue
			}
			done := []byte(at.done)
			done[i/8] |= 1 << (i % 8)
			if next := (node{string(done), state}); !seen[next] {
				seen[next] = true
				open = append(open, next)
			}
		}
	}
	return no
}
