package faulttest

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// A bug is one line of a SQL function made wrong.
type bug struct {
	name     string
	function string
	from, to string
	breaks   rule // one that has to be found broken
	late     bool // shows only in workers that have been up for a while
	only     bool // with -faults alone
	mix      mix  // what it shows in, or nil for the usual
	handlers int  // of each worker that it shows in, or 0 for the usual
}

var bugs = []bug{
	{
		name: "claims what is not yet due", function: "claim",
		from: "j.due <= _now AND (j.due, j.id + 0)", to: "j.due <= _now + interval '1 hour' AND (j.due, j.id + 0)",
		breaks: ruleEarly,
	},
	{
		name: "claims what others hold", function: "claim",
		from: "AND j.handler IS NULL AND (_types", to: "AND (_types",
		breaks: ruleOverlap,
	},
	{
		name: "takes claims over that have not expired", function: "sweep",
		from: "_expired AND ((j.expires <= _now OR j.handler = ANY (_dead_workers)) AND", to: "_expired AND ((true) AND",
		breaks: ruleOverlap,
	},
	{
		name: "takes everybody for dead", function: "dead_workers",
		from: "n.holder = h.holder AND n.expires > _now", to: "false",
		breaks: ruleOverlap, late: true,
	},
	{
		name: "skips an attempt number", function: "claim",
		from: "attempts = j.attempts + 1", to: "attempts = least(j.attempts + 2, j.max_attempts)",
		only: true, breaks: ruleGap,
	},
	{
		name: "buries a job with an attempt left", function: "sweep",
		from: "FILTER (WHERE r.attempts >= r.max_attempts AND", to: "FILTER (WHERE r.attempts > 0 AND",
		breaks: ruleLimit, mix: mix{modeQuick: 50, modeSlow: 50},
	},
	{
		name: "never takes over what has expired", function: "sweep",
		from: "_expired AND ((j.expires <= _now OR", to: "_expired AND ((j.expires <= _now - interval '1 day' OR",
		only: true, breaks: rulePrompt,
	},
	{
		name: "keeps no row of a stolen attempt", function: "sweep",
		from: "AND j.handler IS NOT NULL OFFSET 0) j;", to: "AND j.handler IS NOT NULL AND false OFFSET 0) j;",
		breaks: ruleRow,
	},
	{
		name: "logs a success under another attempt", function: "complete",
		from: "SELECT _queue, d.type, d.id, d.number, _handler, 1,", to: "SELECT _queue, d.type, d.id, d.number + 1, _handler, 1,",
		only: true, breaks: ruleRow,
	},
	{
		name: "takes a failure for a success", function: "fail",
		from: "SELECT _queue, f.type, f.id, f.number, _handler, 2,", to: "SELECT _queue, f.type, f.id, f.number, _handler, 1,",
		only: true, breaks: ruleSuccess,
	},
	{
		name: "loses a job that fails for the last time", function: "fail",
		from: "created, _now, x.max_work, x.payload FROM x", to: "created, _now, x.max_work, x.payload FROM x WHERE false",
		only: true, breaks: ruleLost,
	},
	{
		name: "counts a release as an attempt", function: "release",
		from: "attempts = j.attempts - 1", to: "attempts = j.attempts",
		only: true, breaks: ruleRow, mix: mix{modeSlow: 1}, handlers: 2,
	},
	{
		name: "leaves a cancelled job where it can be claimed", function: "cancel",
		from: "FOR _try IN 1..2 LOOP", to: "RETURN 'done'; FOR _try IN 1..2 LOOP",
		only: true, breaks: ruleCancel,
	},
	{
		name: "lets a stolen attempt complete the job twice", function: "finish",
		from: "WHEN winner >= 0 THEN", to: "WHEN winner >= 1000000 THEN",
		only: true, breaks: ruleSuccess,
	},
}

// plant makes the function wrong, in one database alone.
func plant(t testing.TB, conn *pgx.Conn, b bug) {
	t.Helper()
	var source string
	err := conn.QueryRow(t.Context(), `SELECT pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.pronamespace = 'jobgen'::regnamespace AND p.proname = $1`, b.function).Scan(&source)
	if err != nil {
		t.Fatalf("read function %s: %v", b.function, err)
	}
	if n := strings.Count(source, b.from); n != 1 {
		t.Fatalf("function %s has %q %d times, want once: the bug has to be planted elsewhere\n%s", b.function, b.from, n, source)
	}
	if _, err := conn.Exec(t.Context(), strings.Replace(source, b.from, b.to, 1)); err != nil {
		t.Fatalf("plant a bug into function %s: %v", b.function, err)
	}
}

// trouble is what the planted bugs are looked for in: deaths of workers that
// hold claims, restarts and handlers that outlast their claims.
func (s *storm) trouble(m mix, handlers int) {
	s.start(func(o *orders) {
		o.Limit, o.Handlers = time.Second, 32
		o.Mix = mix{modeQuick: 40, modeSlow: 15, modeFlaky: 10, modeHopeless: 8, modeTx: 10, modeLate: 6, modeCancel: 8}
		if m != nil {
			o.Mix = m
		}
		if handlers > 0 {
			o.Handlers = handlers
		}
	})
	for i, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGKILL, syscall.SIGTERM, syscall.SIGTERM} {
		s.pass(600 * time.Millisecond)
		w := s.workers[i%len(s.workers)]
		if sig == syscall.SIGKILL {
			s.stopWithClaims(w)
		}
		w.signal(sig)
	}
	s.pass(600 * time.Millisecond)
}

// TestEveryBugCanBePlanted finds the bugs that are for -faults alone too, when
// the text that they replace is no longer there.
func TestEveryBugCanBePlanted(t *testing.T) {
	t.Parallel()
	begin(t, 1)
	conn, err := pgx.Connect(t.Context(), migrated.DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	for _, b := range bugs {
		t.Run(b.name, func(t *testing.T) {
			if _, err := conn.Exec(t.Context(), "BEGIN"); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if _, err := conn.Exec(context.Background(), "ROLLBACK"); err != nil {
					t.Error(err)
				}
			})
			plant(t, conn, b)
		})
	}
}

func TestTheCheckerFindsPlantedBugs(t *testing.T) {
	t.Parallel()
	for _, b := range bugs {
		if b.only && !*full {
			continue
		}
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			begin(t, 1)
			s := newStorm(t, false)
			s.broken, s.prompt, s.patience = true, prompt, prompt+time.Second
			conn := s.admin()
			plant(t, conn, b)
			conn.Close(t.Context())
			if b.late {
				s.start(func(o *orders) { o.Limit, o.Mix = time.Minute, mix{modeSlow: 1} })
				s.pass(15 * time.Second)
			} else {
				s.trouble(b.mix, b.handlers)
			}
			results.add(result{
				family: familyBugs, fault: b.name, how: fmt.Sprintf("in function `%s`, `%s` becomes `%s`", b.function, b.from, b.to),
				more: foundBroken(t, s.end(), b.breaks),
			})
		})
	}
}

// foundBroken holds that the rule is among those that the evidence breaks.
func foundBroken(t *testing.T, e evidence, want rule) string {
	t.Helper()
	counts := make(map[rule]int)
	for _, v := range check(e) {
		counts[v.rule]++
	}
	if counts[want] == 0 {
		t.Errorf("the checker did not find that this is broken: %s; it found %v", want, counts)
	}
	t.Logf("found: %v", counts)
	if counts[want] == 0 {
		return "not found"
	}
	return fmt.Sprintf("found: %d times not so that %s", counts[want], want)
}

// TestTheCheckerFindsNothingInTheSameTroubleWithoutABug is what makes the test
// above worth something.
func TestTheCheckerFindsNothingInTheSameTroubleWithoutABug(t *testing.T) {
	t.Parallel()
	begin(t, 1)
	s := newStorm(t, false)
	s.trouble(nil, 0)
	e := s.end()
	if found := check(e); len(found) > 0 {
		t.Errorf("%d violations: %s\n%s", len(found), e.report(found), s.logs())
	}
}

func TestTheCheckerFindsCommitsThatACrashUndoes(t *testing.T) {
	t.Parallel()
	begin(t, 1)
	s := newStorm(t, true, "synchronous_commit=off", "wal_writer_delay=10s")
	s.prompt = time.Hour // the crash is all that matters
	s.exec("CHECKPOINT") // or it may undo the schema too
	s.start(func(o *orders) { o.Mix = mix{modeQuick: 1} })
	for range 3 {
		s.pass(700 * time.Millisecond)
		s.must(s.cluster.Restart(t.Context(), "immediate"))
	}
	results.add(result{
		family: familyBugs, fault: "acknowledges what a crash undoes", how: "`synchronous_commit = off` on the server, and `pg_ctl restart -m immediate`",
		more: foundBroken(t, s.end(), ruleLost),
	})
}
