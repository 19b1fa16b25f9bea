package queuetest

import (
	"testing"

	"github.com/jobgen/jobgen/runtime"
)

func TestAnOrderOfCallsIsFoundWhereThereIsOne(t *testing.T) {
	t.Parallel()
	added := call{step{op: op{kind: opAdd}}, 0, 1}
	claimed := call{step{op: op{kind: opClaim}}, 2, 3}
	completed := func(invoked, answered int64, err error) call {
		return call{step{op: op{kind: opComplete, err: err}}, invoked, answered}
	}
	cancelled := func(invoked, answered int64, err error) call {
		return call{step{op: op{kind: opCancel, err: err}}, invoked, answered}
	}
	apply := func(b bookkeeping, s step) (bookkeeping, bool) {
		ok := b.step(s, 3)
		return b, ok
	}
	for name, c := range map[string]struct {
		calls []call
		want  answer
	}{
		"one after the other":              {[]call{added, claimed, completed(4, 5, nil)}, yes},
		"given in another order":           {[]call{completed(4, 5, nil), added, claimed}, yes},
		"completed before it was claimed":  {[]call{added, completed(1, 2, nil), {claimed.step, 3, 4}}, no},
		"at the same time as it completed": {[]call{added, claimed, completed(4, 9, nil), cancelled(5, 8, runtime.ErrJobNotFound)}, yes},
		"cancelled just before that":       {[]call{added, claimed, completed(4, 9, nil), cancelled(5, 8, nil)}, yes},
		"cancelled after that":             {[]call{added, claimed, completed(4, 5, nil), cancelled(6, 7, nil)}, no},
		"claimed twice at once":            {[]call{added, claimed, {claimed.step, 2, 3}}, no},
	} {
		if have := linearizable(c.calls, bookkeeping{winner: none}, apply); have != c.want {
			t.Errorf("%s: %v, want %v", name, have, c.want)
		}
	}
}
