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
		Attempts                      int32
		AttemptsInherited, OfQueue    bool
		Work                          time.Duration
		WorkIsSet                     bool
		Priority                      int16
		PriorityLine, PriorityOfQueue int
	}
	var have []options
	for _, job := range file.Jobs {
		o := options{
			Attempts: job.MaxAttempts.Value, AttemptsInherited: job.MaxAttempts.Inherited, OfQueue: job.MaxAttempts.OfQueue,
			Work: job.MaxWorkDuration.Value, WorkIsSet: job.MaxWorkDuration.IsSet(),
			Priority: job.Priority.Value, PriorityLine: job.Priority.At.Line,
		}
		if job.Priority.OfQueue {
			o.PriorityOfQueue = 1
		}
		have = append(have, o)
	}
	want := []options{
		{Attempts: schema.Unlimited, AttemptsInherited: true, OfQueue: true, Work: 2 * time.Hour, WorkIsSet: true, Priority: 9, PriorityLine: 3},
		{Attempts: 1, Priority: 0, PriorityLine: 10, PriorityOfQueue: 1},
		{Attempts: 9, AttemptsInherited: true, Priority: 9, PriorityLine: 3},
	}
	if d := cmp.Diff(want, have); d != "" {
		t.Errorf("(-want +have):\n%s", d)
	}
}

func TestAQueueHasNoQueueOrPayload(t *testing.T) {
	t.Parallel()
	have := places("version: 1\npackage: a.b/c\nqueues:\n  q: {queue: q, payload: {}, max_attempts: 0}\njobs: {a: {queue: q, payload: {}}}\n")
	if d := cmp.Diff([]string{"4:7 JG201", "4:17 JG201", "4:44 JG207"}, have); d != "" {
		t.Errorf("(-want +have):\n%s", d)
	}
}
