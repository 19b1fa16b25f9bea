package faulttest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/snowflake"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres"
)

// An interleaving is a database in which two sides meet.
type interleaving struct {
	testing.TB
	direct     *pgx.Conn // holds the gate
	one, other *side
	runs       int
	retains    bool // one of the two is retention, which is never done at once
}

func newInterleaving(t testing.TB) *interleaving {
	t.Helper()
	dsn := migrated.DSN(t)
	x := &interleaving{TB: t}
	var err error
	x.direct, err = pgx.Connect(t.Context(), dsn)
	x.must(err)
	t.Cleanup(func() { x.direct.Close(context.Background()) })
	installGates(t, x.direct)
	x.one, x.other = x.newSide(dsn, "one"), x.newSide(dsn, "other")
	return x
}

func (x *interleaving) newSide(dsn, name string) *side {
	x.Helper()
	config, err := pgxpool.ParseConfig(dsn)
	x.must(err)
	config.MaxConns, config.MinConns = 1, 1
	pool, err := pgxpool.NewWithConfig(x.Context(), config)
	x.must(err)
	x.Cleanup(pool.Close)
	s := &side{name: name, pool: pool}
	s.store, err = postgres.New(x.Context(), pool, catalogue, postgres.WithoutMigrations(), postgres.WithoutListen())
	x.must(err)
	x.Cleanup(func() { s.store.Close() })
	s.queue, err = s.store.Queue(x.Context(), queueName)
	x.must(err)
	x.must(pool.QueryRow(x.Context(), "SELECT pg_backend_pid()").Scan(&s.pid))
	return s
}

func (x *interleaving) must(err error) {
	x.Helper()
	if err != nil {
		x.Fatal(err)
	}
}

func (x *interleaving) exec(sql string, args ...any) {
	x.Helper()
	_, err := x.direct.Exec(x.Context(), sql, args...)
	x.must(err)
}

func (x *interleaving) add(attempts int32) snowflake.ID {
	x.Helper()
	id, err := runtime.Enqueue(x.Context(), x.other.store, theJob, &payload{}, runtime.JobOptions.MaxAttempts(attempts))
	x.must(err)
	return id
}

func (x *interleaving) claim(id snowflake.ID) snowflake.ID {
	x.Helper()
	job, err := x.other.queue.TryClaim(x.Context(), "first")
	x.must(err)
	if job.ID != id {
		x.Fatalf("claimed job %d, want %d", job.ID, id)
	}
	return id
}

func (x *interleaving) steal(id snowflake.ID) snowflake.ID {
	x.Helper()
	job, err := x.other.queue.TrySteal(x.Context(), "second")
	x.must(err)
	if job.ID != id {
		x.Fatalf("stole job %d, want %d", job.ID, id)
	}
	return id
}

func (x *interleaving) expire(id snowflake.ID) snowflake.ID {
	x.Helper()
	x.exec(expireSQL, int64(id))
	return id
}

// A meeting is what came of two deeds: both answers, and what is left.
type meeting struct{ first, second, left string }

// fresh empties the tables and prepares a job.
func (x *interleaving) fresh(s state) snowflake.ID {
	x.Helper()
	x.runs++
	x.exec(emptySQL)
	for _, side := range []*side{x.one, x.other} {
		x.must(setStop(x.Context(), side.pool, ""))
	}
	return s.prepare(x)
}

// inTurn does one deed after the other, and returns which gates the first one
// passed.
func (x *interleaving) inTurn(s state, a, b deed, aFirst bool) (m meeting, passed []string) {
	x.Helper()
	id := x.fresh(s)
	if aFirst {
		m.first = a.do(x.Context(), x.one, id)
		var gates string
		x.must(x.one.pool.QueryRow(x.Context(), "SELECT coalesce(current_setting('audit.passed', true), '')").Scan(&gates))
		passed = strings.Fields(gates)
		m.second = b.do(x.Context(), x.other, id)
		return x.leaving(m, id), passed
	}
	m.second = b.do(x.Context(), x.other, id)
	m.first = a.do(x.Context(), x.one, id)
	return x.leaving(m, id), nil
}

func (x *interleaving) leaving(m meeting, id snowflake.ID) meeting {
	x.Helper()
	if x.retains {
		x.exec(retentionSQL)
	}
	x.must(x.direct.QueryRow(x.Context(), leftSQL, int64(id)).Scan(&m.left))
	return m
}

// heldAt does the first deed up to a gate, then the second, for as far as it
// gets, and then the rest of both.
func (x *interleaving) heldAt(s state, a, b deed, gate string) meeting {
	x.Helper()
	id := x.fresh(s)
	x.must(setStop(x.Context(), x.one.pool, gate))
	x.exec("SELECT pg_advisory_lock(4711)")
	first, second := make(chan string, 1), make(chan string, 1)
	go func() { first <- a.do(x.Context(), x.one, id) }()
	m, ended := x.awaitStop(x.one, first)
	go func() { second <- b.do(x.Context(), x.other, id) }()
	n, endedToo := x.awaitStop(x.other, second)
	x.exec("SELECT pg_advisory_unlock(4711)")
	return x.leaving(meeting{first: orReceive(m, ended, first), second: orReceive(n, endedToo, second)}, id)
}

// heldOpen does the first deed in a transaction, then the second, for as far
// as it gets, and then commits.
func (x *interleaving) heldOpen(s state, a, b deed) meeting {
	x.Helper()
	id := x.fresh(s)
	tx, err := x.one.pool.Begin(x.Context())
	x.must(err)
	bound := *x.one
	bound.queue, err = x.one.store.InTx(tx).Queue(x.Context(), queueName)
	x.must(err)
	first := a.do(x.Context(), &bound, id)
	second := make(chan string, 1)
	go func() { second <- b.do(x.Context(), x.other, id) }()
	m, ended := x.awaitStop(x.other, second)
	if err := tx.Commit(x.Context()); err != nil {
		first = "error: " + err.Error()
	}
	return x.leaving(meeting{first: first, second: orReceive(m, ended, second)}, id)
}

func orReceive(have string, ended bool, from chan string) string {
	if ended {
		return have
	}
	return <-from
}

// awaitStop returns when a side has done its deed, or waits for a lock.
func (x *interleaving) awaitStop(s *side, done chan string) (answer string, ended bool) {
	x.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		select {
		case answer := <-done:
			return answer, true
		default:
		}
		waiting, err := waits(x.Context(), x.direct, s.pid)
		x.must(err)
		if waiting {
			return "", false
		}
		if time.Now().After(deadline) {
			x.Fatal("a session has neither ended nor waited for a lock for a minute")
		}
	}
}

// TestTwoDeedsThatMeetComeOutAsIfOneHadBeenFirst holds one of them at every
// statement of its functions, and before its commit.
func TestTwoDeedsThatMeetComeOutAsIfOneHadBeenFirst(t *testing.T) {
	t.Parallel()
	for _, s := range states {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			begin(t, 1)
			x := newInterleaving(t)
			held, failed := 0, 0
			for i, a := range deeds {
				for k, b := range deeds {
					if !*full && (i+2*k+len(s.name))%11 != 0 {
						continue // the cut takes one pair in eleven
					}
					n, wrong := x.meet(s, a, b)
					held, failed = held+n, failed+len(wrong)
					for _, w := range wrong {
						t.Error(w)
					}
				}
			}
			t.Logf("%d meetings at gates, %d runs", held, x.runs)
			results.add(result{
				family: familyInterleavings, fault: "a job " + s.name,
				how:  "each pair of claim, steal, bury, complete, fail, cancel and retention, the first held at each statement of its SQL functions and before its commit",
				more: outcome(held, failed),
			})
		})
	}
}

func outcome(held, failed int) string {
	if failed > 0 {
		return fmt.Sprintf("%d of %d meetings came out as no order of the two", failed, held)
	}
	return fmt.Sprintf("%d meetings, each of which came out as one order of the two", held)
}

// passed is what a claim says that found nothing, or passed the job over.
var passed = deed{name: "nothing", do: func(context.Context, *side, snowflake.ID) string { return said(nil, runtime.ErrJobNotFound) }}

// variants are what a deed may amount to: a claim in a batch looks for expired
// claims too now and then.
func (d deed) variants() []deed {
	list := []deed{d}
	if d.name == "claim in a batch" {
		list = append(list, deeds[1], deeds[2])
	}
	if d.claims {
		list = append(list, passed)
	}
	return list
}

// allowed are the outcomes of one deed after the other, either way, and the
// gates that the first passes on its way.
func (x *interleaving) allowed(s state, a, b deed) (all []meeting, gates []string) {
	x.Helper()
	for _, first := range a.variants() {
		for _, second := range b.variants() {
			ab, on := x.inTurn(s, first, second, true)
			ba, _ := x.inTurn(s, first, second, false)
			all, gates = append(all, ab, ba), append(gates, on...)
		}
	}
	slices.Sort(gates)
	return all, slices.Compact(gates)
}

// meet tries one pair in every way, and returns in how many, and what came
// out as no order of the two.
func (x *interleaving) meet(s state, a, b deed) (held int, wrong []string) {
	x.Helper()
	x.retains = a.name == "retention" || b.name == "retention"
	allowed, gates := x.allowed(s, a, b)
	judge := func(where string, m meeting) {
		held++
		if !slices.Contains(allowed, m) {
			wrong = append(wrong, fmt.Sprintf("%s, held at %s, and %s:\n  came out as %+v\n  in turn as  %+v", a.name, where, b.name, m, allowed))
		}
	}
	for _, gate := range gates {
		judge(gate, x.heldAt(s, a, b, gate))
	}
	if a.bound {
		judge("its commit", x.heldOpen(s, a, b))
	}
	return held, wrong
}

// TestTheInterleavingsFindALockThatIsNotTaken is what makes the test above
// worth something: finishing looks at a job that it has not locked. Current
// claims are finished by complete and fail, so the attempt is one whose claim
// another handler has taken over, and ends.
func TestTheInterleavingsFindALockThatIsNotTaken(t *testing.T) {
	t.Parallel()
	begin(t, 1)
	x := newInterleaving(t)
	plant(t, x.direct, bug{
		function: "finish",
		from:     "WHERE j.queue = _queue AND j.id = _id FOR UPDATE;", to: "WHERE j.queue = _queue AND j.id = _id;",
	})
	found := 0
	for _, s := range states {
		if s.name != "stolen" {
			continue
		}
		for _, a := range deeds {
			for _, b := range deeds {
				if a.name == "complete" && b.name == "fail as the thief" {
					_, wrong := x.meet(s, a, b)
					found += len(wrong)
				}
			}
		}
	}
	if found == 0 {
		t.Error("a failure between looking at a job and finishing it was not found out")
	}
}
