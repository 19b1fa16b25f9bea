package schema_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jobgen/jobgen/internal/schema"
)

func TestAJobComesBeforeItsQueueAndThatBeforeTheDefaults(t *testing.T) {
	t.Parallel()
	file, mistakes := schema.Parse("jobs.yaml", []byte(`version: 1
package: example.com/shop/gen/jobs
defaults: {queue: slow, max_attempts: 9, priority: 9}
jobs:
  a: {payload: {}}
  b: {queue: fast, payload: {}, max_attempts: 1}
  c: {queue: plain, payload: {}}
queues:
  slow: {max_attempts: unlimited, max_work_duration: 2h}
  fast: {max_attempts: 2, priority: 0}
  plain:
`))
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	type options struct {
		Attempts                      int64
		AttemptsInherited, OfQueue    bool
		Work                          time.Duration
		WorkIsSet                     bool
		Priority                      int64
		PriorityLine, PriorityOfQueue int
	}
	var have []options
	for _, job := range file.Jobs {
		attempts, work, priority := job.Option("max_attempts"), job.Option("max_work_duration"), job.Option("priority")
		o := options{
			Attempts: attempts.Value.(int64), AttemptsInherited: attempts.Inherited, OfQueue: attempts.OfQueue,
			Work: work.Value.(time.Duration), WorkIsSet: work.IsSet(),
			Priority: priority.Value.(int64), PriorityLine: priority.At.Line,
		}
		if priority.OfQueue {
			o.PriorityOfQueue = 1
		}
		have = append(have, o)
	}
	want := []options{
		{Attempts: schema.Unlimited, AttemptsInherited: true, OfQueue: true, Work: 2 * time.Hour, WorkIsSet: true, Priority: 9, PriorityLine: 3},
		{Attempts: 1, Work: time.Minute, Priority: 0, PriorityLine: 10, PriorityOfQueue: 1},
		{Attempts: 9, AttemptsInherited: true, Work: time.Minute, Priority: 9, PriorityLine: 3},
	}
	if d := cmp.Diff(want, have); d != "" {
		t.Errorf("(-want +have):\n%s", d)
	}
}

func TestAQueueHasNoQueueOrPayload(t *testing.T) {
	t.Parallel()
	have := places("version: 1\npackage: a.b/c\nqueues:\n  q: {queue: q, payload: {}, max_attempts: 0}\njobs: {a: {queue: q, payload: {}}}\n")
	if d := cmp.Diff([]string{"4:7 unknown-key", "4:17 unknown-key", "4:44 invalid-option"}, have); d != "" {
		t.Errorf("(-want +have):\n%s", d)
	}
}
