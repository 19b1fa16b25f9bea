package faulttest

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// A gate is a place between two statements of a SQL function at which a
// session can be held: the session names the gate, and the test has the lock.
const gateSQL = `
CREATE FUNCTION audit.gate(_name text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('audit.passed', coalesce(current_setting('audit.passed', true), '') || _name || ' ', false);
	IF current_setting('audit.stop', true) = _name THEN
		PERFORM pg_advisory_xact_lock(4711);
	END IF;
	RETURN false;
END $$;
`

var (
	lineComment = regexp.MustCompile(`--.*$`)
	bodyBegins  = regexp.MustCompile(`^\s*BEGIN\s*$`)
)

// gated puts a gate behind every statement of a function in PL/pgSQL. It is
// part of a condition, since a statement would change what FOUND and ROW_COUNT
// say of the one before it.
func gated(name, source string) string {
	var b strings.Builder
	inside, n := false, 0
	for line := range strings.Lines(source) {
		b.WriteString(line)
		code := strings.TrimSpace(lineComment.ReplaceAllString(strings.TrimRight(line, "\n"), ""))
		if bodyBegins.MatchString(code) {
			inside = true
		}
		if inside && (strings.HasSuffix(code, ";") || bodyBegins.MatchString(code)) {
			n++
			fmt.Fprintf(&b, "IF audit.gate('%s:%d') THEN NULL; END IF;\n", name, n)
		}
	}
	return b.String()
}

// installGates rewrites all of jobgen's functions in PL/pgSQL.
func installGates(t testing.TB, conn *pgx.Conn) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), gateSQL); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(t.Context(), `SELECT p.proname, pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
		WHERE p.pronamespace = 'jobgen'::regnamespace AND l.lanname = 'plpgsql' AND p.prokind = 'f'`)
	if err != nil {
		t.Fatal(err)
	}
	sources := make(map[string]string)
	var name, source string
	if _, err := pgx.ForEachRow(rows, []any{&name, &source}, func() error { sources[name] = source; return nil }); err != nil {
		t.Fatal(err)
	}
	if len(sources) < 5 {
		t.Fatalf("only %d functions have statements to be held between", len(sources))
	}
	for name, source := range sources {
		if _, err := conn.Exec(t.Context(), gated(name, source)); err != nil {
			t.Fatalf("put gates into function %s: %v\n%s", name, err, gated(name, source))
		}
	}
}

// setStop makes the session stop at a gate from now on; "" at none.
func setStop(ctx context.Context, db interface {
	QueryRow(context.Context, string, ...any) pgx.Row
}, gate string,
) error {
	var ignored string
	return db.QueryRow(ctx, "SELECT set_config('audit.stop', $1, false) || set_config('audit.passed', '', false)", gate).Scan(&ignored)
}

// waits reports whether a session waits for a lock.
func waits(ctx context.Context, conn *pgx.Conn, pid uint32) (yes bool, err error) {
	err = conn.QueryRow(ctx, "SELECT coalesce((SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1), false)", pid).Scan(&yes)
	return yes, err
}
