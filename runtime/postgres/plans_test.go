package postgres_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime"
)

// numbers puts the numbers of the queue "notes", the handler "h" and the type
// "note" into a statement.
var numbers = strings.NewReplacer("QUEUE", "jobgen.name_number('notes', 0)", "HANDLER", "jobgen.name_number('h', 0)",
	"TYPES", "ARRAY[jobgen.name_number('note@1', 0)]")

// An effort is what a statement took, in all the statements of the functions
// that it calls.
type effort struct {
	blocks int // of tables and indexes that were looked at
	rows   int // entries that were read in indexes, and rows of tables
	took   time.Duration
}

// measure runs a statement, undoes what it did and returns what it took, once
// what a new connection reads of the catalogs has been read.
func measure(t *testing.T, conn *pgx.Conn, sql string, args ...any) effort {
	t.Helper()
	try(t, conn, sql, args...)
	return try(t, conn, sql, args...)
}

func try(t *testing.T, conn *pgx.Conn, sql string, args ...any) (e effort) {
	t.Helper()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// What is found by its place alone is not in these counts.
	const read = `SELECT sum(pg_stat_get_xact_tuples_returned(oid) + pg_stat_get_xact_tuples_fetched(oid))::bigint
		FROM pg_class WHERE relnamespace = 'jobgen'::regnamespace`
	before := query[int](t, conn, read)
	plan := query[[]byte](t, conn, "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "+numbers.Replace(sql), args...)
	e.rows = query[int](t, conn, read) - before
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	var plans []struct {
		Plan struct {
			Hit  int `json:"Shared Hit Blocks"`
			Read int `json:"Shared Read Blocks"`
		}
		Took float64 `json:"Execution Time"` // milliseconds
	}
	if err := json.Unmarshal(plan, &plans); err != nil {
		t.Fatal(err)
	}
	e.blocks = plans[0].Plan.Hit + plans[0].Plan.Read
	e.took = time.Duration(plans[0].Took * float64(time.Millisecond))
	return e
}

const (
	allJobs  = 30_000
	oneBatch = 1000
)

// A claimedBatch is a batch of claimed jobs, for what changes them.
type claimedBatch struct {
	ids        []int64
	numbers    []int32
	due, after any // cursors
}

// claimBatch claims a batch for the handler "h". A third of the claims are on last attempts
// and a third are from before the database's clock was set back; the others have expired, as the
// first have.
func claimBatch(t *testing.T, conn *pgx.Conn, queue *runtime.Queue) *claimedBatch {
	t.Helper()
	b := &claimedBatch{ids: make([]int64, oneBatch), numbers: make([]int32, oneBatch)}
	jobs, _ := claim(t, queue, "h", oneBatch) // the sweep at the beginning
	for i, job := range jobs {
		b.ids[i] = int64(job.ID)
	}
	slices.Sort(b.ids)
	for change, ids := range map[string][]int64{
		"expires = claimed, max_attempts = 1":        b.ids[:oneBatch/3],
		"expires = claimed":                          b.ids[oneBatch/3 : 2*oneBatch/3],
		"claimed = 'tomorrow', expires = 'tomorrow'": b.ids[2*oneBatch/3:],
	} {
		if _, err := conn.Exec(t.Context(), "UPDATE jobgen.job SET "+change+" WHERE id = ANY ($1)", ids); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// A statementOf is one whose plans have to hold.
type statementOf struct {
	sql  string
	args []any
	rows int // the most that it may read for each job of the batch
}

// statements are those whose plans have to hold. What may be read is half as
// much again as is, and less than what is read of the whole queue.
func (b *claimedBatch) statements() []statementOf {
	claims, cursors := []any{b.ids, b.numbers}, []any{b.due, b.after}
	return []statementOf{
		{`SELECT * FROM jobgen.claim(QUEUE, HANDLER, TYPES, 1000, '{0,1,2,3,4,5,6,7,8,9}', $1, $2, false, false)`, cursors, 10},
		{`SELECT * FROM jobgen.claim(QUEUE, 2, TYPES, 1000, '{0,1,2,3,4,5,6,7,8,9}', $1, $2, true, false)`, cursors, 60},
		{`SELECT jobgen.complete(QUEUE, HANDLER, $1, $2, array_fill(''::bytea, '{1000}'))`, claims, 15},
		{`SELECT jobgen.fail(QUEUE, HANDLER, $1, $2, array_fill('no'::text, '{1000}'), array_fill(0::bigint, '{1000}'), array_fill(''::bytea, '{1000}'))`, claims, 30},
		{`SELECT jobgen.release(QUEUE, HANDLER, $1, $2)`, claims, 10},
		{`SELECT jobgen.lost_claims(QUEUE, HANDLER, $1, $2)`, claims, 15},
		{`SELECT jobgen.finish(QUEUE, HANDLER, id, number, true, '', 0, '') FROM unnest($1::bigint[], $2::integer[]) u(id, number)`, claims, 20},
		{`SELECT jobgen.cancel(QUEUE, id) FROM unnest($1::bigint[]) id`, []any{b.ids}, 15},
	}
}

// A plan that compares each row with each place looks at few blocks and reads
// each row once, and takes seconds. So time is counted too, in times of a
// statement that changes the same rows.
const (
	mostBlocks = 80 // for each job of the batch
	mostTimes  = 100
	reference  = `UPDATE jobgen.job SET expires = expires WHERE queue = QUEUE AND id = ANY ($1)`
)

// excess says what a statement takes too much of, or nothing.
func (b *claimedBatch) excess(t *testing.T, conn *pgx.Conn, s statementOf) string {
	t.Helper()
	e, unit := measure(t, conn, s.sql, s.args...), measure(t, conn, reference, b.ids).took
	for range 4 { // another process may have had the machine
		if e.took <= mostTimes*unit {
			break
		}
		e.took = min(e.took, try(t, conn, s.sql, s.args...).took)
		unit = max(unit, try(t, conn, reference, b.ids).took)
	}
	if e.blocks <= mostBlocks*oneBatch && e.rows <= s.rows*oneBatch && e.took <= mostTimes*unit {
		return ""
	}
	return fmt.Sprintf("%s: %d of %d jobs took %d blocks, %d rows and %s, beside %s for an update",
		s.sql, oneBatch, allJobs, e.blocks, e.rows, e.took, unit)
}

// fillAfresh fills and empties the table of jobs, and has it analyzed: it keeps
// its pages, and is known to have no rows.
func fillAfresh(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	exec(
		t, conn, "INSERT INTO jobgen.job (id, queue, type, payload) SELECT n, jobgen.name_number('notes', 0), jobgen.name_number('note@1', 0), '{}' FROM generate_series(1, 30000) n",
		"DELETE FROM jobgen.job",
		"VACUUM ANALYZE jobgen.job",
	)
}

// Autovacuum may look at the table when it is empty, or when nothing in it is
// claimed, and the planner believes it for long after. A connection keeps the
// plans of its first calls.
func TestClaimingAndFinishingKeepTheirPlansWhateverTheStatistics(t *testing.T) {
	t.Parallel()
	type moment func(t *testing.T, conn *pgx.Conn, call func())
	nothing := func(*testing.T, *pgx.Conn, func()) {}
	analyze := func(t *testing.T, conn *pgx.Conn, _ func()) { exec(t, conn, "VACUUM ANALYZE jobgen.job") }
	plan := func(_ *testing.T, _ *pgx.Conn, call func()) { call() }
	drained := func(t *testing.T, conn *pgx.Conn, _ func()) { fillAfresh(t, conn) }
	for name, when := range map[string]struct{ empty, full moment }{
		"never analyzed":             {nothing, nothing},
		"analyzed when empty":        {analyze, nothing},
		"analyzed when full":         {nothing, analyze},
		"analyzed when drained":      {drained, nothing},
		"planned when empty":         {plan, nothing},
		"planned before an analysis": {plan, analyze},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DSN(t)
			store := open(t, dsn)
			queue := notes(t, store)
			conn := connect(t, dsn)
			exec(t, conn, "ALTER TABLE jobgen.job SET (autovacuum_enabled = off)")
			first := &claimedBatch{ids: make([]int64, oneBatch), numbers: make([]int32, oneBatch)}
			first.due, first.after = store.Cursors(queue, noteVersions...)
			call := func() {
				for _, s := range first.statements() {
					try(t, conn, s.sql, s.args...)
				}
			}
			when.empty(t, conn, call)
			if _, err := runtime.EnqueueBatch(t.Context(), store, noteJob, make([]note, allJobs)); err != nil {
				t.Fatal(err)
			}
			when.full(t, conn, call)
			batch := claimBatch(t, conn, queue)
			batch.due, batch.after = store.Cursors(queue, noteVersions...)
			for _, s := range batch.statements() {
				if excess := batch.excess(t, conn, s); excess != "" {
					t.Error(excess)
				}
			}
		})
	}
}

// Without a way to the places of the rows, a queue is read whole.
func TestAPlanThatReadsTheWholeQueueIsNoticed(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	queue := notes(t, store)
	conn := connect(t, dsn)
	exec(t, conn, "ALTER TABLE jobgen.job SET (autovacuum_enabled = off)")
	fillAfresh(t, conn)
	if _, err := runtime.EnqueueBatch(t.Context(), store, noteJob, make([]note, allJobs)); err != nil {
		t.Fatal(err)
	}
	batch := claimBatch(t, conn, queue)
	batch.due, batch.after = store.Cursors(queue, noteVersions...)
	exec(t, conn, "ALTER FUNCTION jobgen.complete SET enable_tidscan = off", "ALTER FUNCTION jobgen.release SET enable_tidscan = off")
	for _, s := range batch.statements() {
		if planted := strings.Contains(s.sql, "complete(") || strings.Contains(s.sql, "release("); planted && batch.excess(t, conn, s) == "" {
			t.Errorf("%s: nothing was noticed", s.sql)
		}
	}
}
