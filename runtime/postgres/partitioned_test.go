package postgres_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime/postgres"
	"github.com/jobgen/jobgen/runtime/queuetest"
)

//go:embed testdata/partitioned.sql
var partitionSQL string

// partitioned stands in for Citus: the tables of jobs are partitioned by the
// queue, as there they are distributed.
var partitioned = setup{
	empty: pgtest.NewTemplate(func(ctx context.Context, dsn string) error {
		if err := postgres.Migrate(ctx, dsn); err != nil {
			return err
		}
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			return err
		}
		defer conn.Close(context.WithoutCancel(ctx))
		_, err = conn.Exec(ctx, partitionSQL)
		return err
	}),
	mode: pgx.QueryExecModeCacheStatement,
}

func TestStoreOnPartitions(t *testing.T) { queuetest.Run(t, partitioned.newStore) }

// allQueues are the statements that look at all queues, by how they begin, with
// the reason. On Citus they are put together from what each node answers.
var allQueues = map[string]string{
	"function job_type_in_use: SELECT (EXISTS (SELECT 1 FROM jobgen.job": "asks for a type in whatever queue",
	"function upkeep: SELECT (ARRAY(SELECT DISTINCT a.queue":             "finds the queues that have something to delete",
	"function upkeep: SELECT (ARRAY(SELECT DISTINCT e.queue":             "finds the queues that have something to delete",
	"function upkeep: SELECT (ARRAY(SELECT o.number":                     "asks for a handler's claims in whatever queue",
	"query SurveyCounts: ": "counts the jobs of every queue",
	"query SurveyJobs: ":   "reads the jobs of every queue, in their order",
}

// asksAllQueues is the key of a statement in allQueues, or "".
func asksAllQueues(s statement) string {
	for key := range allQueues {
		if strings.HasPrefix(s.where+": "+s.sql, key) {
			return key
		}
	}
	return ""
}

// distributed finds where a statement refers to a table that is distributed by
// its queue.
var distributed = regexp.MustCompile(`\b(?:FROM|JOIN|UPDATE|INTO|USING)\s+jobgen\.(?:job|ended_job|attempt|attempt_default)\b`)

// scanned are the partitions by queue that a plan reads, without those that
// pruning has taken out of it.
func scanned(t *testing.T, plan []byte) (partitions []string) {
	t.Helper()
	var walk func(node any)
	walk = func(node any) {
		switch node := node.(type) {
		case []any:
			for _, n := range node {
				walk(n)
			}
		case map[string]any:
			kind, _ := node["Node Type"].(string)
			if relation, _ := node["Relation Name"].(string); strings.HasSuffix(kind, "Scan") {
				if _, hash, found := strings.Cut(relation, "_hash"); found && !slices.Contains(partitions, hash) {
					partitions = append(partitions, hash)
				}
			}
			for _, n := range node {
				walk(n)
			}
		}
	}
	var tree any
	if err := json.Unmarshal(plan, &tree); err != nil {
		t.Fatal(err)
	}
	walk(tree)
	return partitions
}

// partitionsOf explains a statement's generic plan for one queue, under its
// function's settings, and returns the partitions that it reads.
func partitionsOf(t *testing.T, conn *pgx.Conn, s statement, queue int32) []string {
	t.Helper()
	sql, names := s.numbered()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.WithoutCancel(t.Context()))
	for name, value := range s.settings {
		exec(t, conn, fmt.Sprintf("SET LOCAL %s = '%s'", name, value))
	}
	exec(t, conn, "SET LOCAL plan_cache_mode = force_generic_plan", "SET LOCAL search_path = pg_catalog")
	if _, err := conn.Prepare(t.Context(), "explained", sql); err != nil {
		t.Fatalf("%v\n%s", err, s)
	}
	defer func() {
		if err := conn.Deallocate(context.WithoutCancel(t.Context()), "explained"); err != nil {
			t.Error(err)
		}
	}()
	values := make([]string, len(names))
	for i, name := range names {
		values[i] = "NULL"
		switch {
		case strings.TrimPrefix(name, "_") == "queue":
			values[i] = fmt.Sprint(queue)
		case strings.HasPrefix(s.types[name], "jobgen."): // a row
			values[i] = fmt.Sprintf(`jsonb_populate_record(NULL::%s, '{"queue": %d}')`, s.types[name], queue)
		}
	}
	execute := "EXPLAIN (FORMAT JSON) EXECUTE explained"
	if len(values) > 0 {
		execute += "(" + strings.Join(values, ", ") + ")"
	}
	var plan []byte
	if err := conn.QueryRow(t.Context(), execute, pgx.QueryExecModeSimpleProtocol).Scan(&plan); err != nil {
		t.Fatalf("%v\n%s", err, s)
	}
	return scanned(t, plan)
}

// A plan is made for every queue, and has to be cut to one partition when it
// begins. So it is on Citus: a statement that is not cut goes to every node, or
// is refused.
func TestEachStatementReadsOnePartition(t *testing.T) {
	t.Parallel()
	conn := connect(t, partitioned.empty.DSN(t))
	const queue = 7
	remainder := query[string](t, conn, "SELECT n::text FROM generate_series(0, 3) n WHERE satisfies_hash_partition('jobgen.job'::regclass, 4, n, $1::integer)", queue)
	excepted := make(map[string]bool)
	pruned := 0
	for _, s := range everyStatement(t) {
		if !distributed.MatchString(s.sql) {
			continue
		}
		partitions := partitionsOf(t, conn, s, queue)
		if key := asksAllQueues(s); key != "" {
			excepted[key] = len(partitions) > 1
			continue
		}
		if len(partitions) > 1 || len(partitions) == 1 && partitions[0] != remainder {
			t.Errorf("partitions %q are read, want %s alone, by %s", partitions, remainder, s)
		}
		if len(partitions) == 1 {
			pruned++
		}
	}
	for key, reason := range allQueues {
		if !excepted[key] {
			t.Errorf("%s, an exception because it %s, reads one partition or is gone", key, reason)
		}
	}
	if pruned < 30 {
		t.Errorf("only %d statements read one partition", pruned)
	}
	planted := statement{where: "planted", sql: "UPDATE jobgen.job j SET attempts = 0 FROM unnest(_tids) t(tid) WHERE j.ctid = t.tid", types: map[string]string{"_tids": "tid[]"}}
	if partitions := partitionsOf(t, conn, planted, queue); len(partitions) != 4 {
		t.Errorf("a change of rows by their place alone reads partitions %q, want all", partitions)
	}
}
