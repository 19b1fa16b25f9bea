package postgres_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime"
)

// tally counts statements.
type tally struct{ n atomic.Int64 }

func (c *tally) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.n.Add(1)
	return ctx
}

func (c *tally) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// What comes too late takes no round trip each: that would make what comes
// after it late too.
func TestLateOutcomesShareAStatement(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	var statements tally
	traced, _ := openOn(t, dsn, func(c *pgxpool.Config) { c.ConnConfig.Tracer = &statements })

	const jobs = 300
	if _, err := runtime.EnqueueBatch(t.Context(), store, noteJob, make([]note, jobs), runtime.JobOptions.MaxWorkDuration(0)); err != nil {
		t.Fatal(err)
	}
	late := notes(t, traced)
	claimed := claimBatch(t, late, jobs)
	thief := notes(t, store).(runtime.BatchClaimer)
	stolen, err := thief.ClaimBatch(t.Context(), runtime.ClaimRequest{HandlerID: "thief", Types: []runtime.TypeVersion{{Type: "note", Version: 1}}, Limit: 200})
	if err != nil || len(stolen.Jobs) != 200 {
		t.Fatalf("stole %d jobs, error %v", len(stolen.Jobs), err)
	}
	done := make(map[int64]bool)
	for _, job := range stolen.Jobs[:100] {
		done[int64(job.ID)] = true
		if err := job.Complete(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	outcomes := make([]runtime.Outcome, jobs)
	for i, job := range claimed.Jobs {
		outcomes[i] = runtime.Outcome{JobID: job.ID, AttemptNumber: job.AttemptNumber, Success: true}
	}
	before := statements.n.Load()
	verdicts, err := late.(runtime.BatchFinisher).FinishBatch(t.Context(), "h", outcomes)
	if err != nil {
		t.Fatal(err)
	}
	if n := statements.n.Load() - before; n > 5 {
		t.Errorf("%d statements for %d outcomes", n, jobs)
	}
	for i, verdict := range verdicts {
		if superseded := errors.Is(verdict, runtime.ErrJobCancelled); superseded != done[int64(outcomes[i].JobID)] || verdict != nil && !superseded {
			t.Errorf("outcome %d: %v; superseded should be %v", i, verdict, !superseded)
		}
	}
	stats, err := notes(t, store).Stats(t.Context())
	if err != nil || stats != (runtime.JobQueueStats{}) {
		t.Errorf("left are %+v, error %v", stats, err)
	}
}
