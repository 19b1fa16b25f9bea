package postgres_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/bwmarrin/snowflake"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
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
	claimed, _ := claim(t, late, "h", jobs)
	stolen, _ := claim(t, notes(t, store), "thief", 200)
	if len(stolen) != 200 {
		t.Fatalf("stole %d jobs", len(stolen))
	}
	done := make(map[snowflake.ID]bool)
	for _, job := range stolen[:100] {
		done[job.ID] = true
		if err := job.Complete(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	before := statements.n.Load()
	results, err := late.Driver().Finish(t.Context(), "h", completed(claimed))
	if err != nil {
		t.Fatal(err)
	}
	if n := statements.n.Load() - before; n > 5 {
		t.Errorf("%d statements for %d outcomes", n, jobs)
	}
	for i, result := range results {
		want := driver.Done
		if done[claimed[i].ID] {
			want = driver.Superseded
		}
		if result.Status != want {
			t.Errorf("outcome %d: status %d; want %d", i, result.Status, want)
		}
	}
	stats, err := notes(t, store).Stats(t.Context())
	if err != nil || stats != (runtime.JobQueueStats{}) {
		t.Errorf("left are %+v, error %v", stats, err)
	}
}
