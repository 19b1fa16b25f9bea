package faulttest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// This file is the only one that knows jobgen's tables. Its triggers write
// down each change of a job's row. They run while the row is locked, so for
// one job the order of their sequence is the order of the changes.
const auditSQL = `
CREATE SCHEMA audit;
CREATE TABLE audit.event (
	seq bigint GENERATED ALWAYS AS IDENTITY (CACHE 1), at timestamptz NOT NULL DEFAULT clock_timestamp(),
	place text NOT NULL, op text NOT NULL, job bigint NOT NULL, key text,
	attempts integer, handler integer, due timestamptz, expires timestamptz, state text);
CREATE TABLE audit.effect (job bigint NOT NULL, attempt integer NOT NULL);
CREATE FUNCTION audit.job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'DELETE' THEN
		INSERT INTO audit.event (place, op, job, attempts, handler, due, expires)
		VALUES ('job', TG_OP, OLD.id, OLD.attempts, OLD.handler, OLD.due, OLD.expires);
	ELSE
		INSERT INTO audit.event (place, op, job, key, attempts, handler, due, expires)
		VALUES ('job', TG_OP, NEW.id, CASE WHEN TG_OP = 'INSERT' THEN NEW.payload->>'key' END, NEW.attempts, NEW.handler, NEW.due, NEW.expires);
	END IF;
	RETURN NULL;
END $$;
CREATE FUNCTION audit.ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'DELETE' THEN
		INSERT INTO audit.event (place, op, job, attempts, state) VALUES ('ended', TG_OP, OLD.id, OLD.attempts, OLD.state);
	ELSE
		INSERT INTO audit.event (place, op, job, attempts, state) VALUES ('ended', TG_OP, NEW.id, NEW.attempts, NEW.state);
	END IF;
	RETURN NULL;
END $$;
CREATE FUNCTION audit.node() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO audit.event (place, op, job, key, expires)
	VALUES ('node', TG_OP, NEW.number, coalesce(NEW.holder, OLD.holder)::text, CASE WHEN NEW.holder IS NULL THEN clock_timestamp() ELSE NEW.expires END);
	RETURN NULL;
END $$;
CREATE TRIGGER audit AFTER UPDATE ON jobgen.node FOR EACH ROW EXECUTE FUNCTION audit.node();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON jobgen.job FOR EACH ROW EXECUTE FUNCTION audit.job();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON jobgen.ended_job FOR EACH ROW EXECUTE FUNCTION audit.ended();
`

// installAudit makes the third witness.
func installAudit(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, auditSQL); err != nil {
		return fmt.Errorf("install the audit triggers: %w", err)
	}
	return nil
}

// An event is one change of a row.
type event struct {
	at       time.Time
	place    string // job, ended, or node for a process's sign of life
	op       string
	job      int64
	key      string
	attempts int32
	handler  string // "" for none
	due      time.Time
	expires  time.Time
	state    string
}

func (e event) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s", e.at.UTC().Format("15:04:05.000000"), e.op, e.place)
	if e.key != "" {
		fmt.Fprintf(&b, " %s", e.key)
	}
	fmt.Fprintf(&b, " attempts %d", e.attempts)
	if e.handler != "" {
		fmt.Fprintf(&b, " by %s until %s", e.handler, e.expires.UTC().Format("15:04:05.000000"))
	}
	if !e.due.IsZero() {
		fmt.Fprintf(&b, " due %s", e.due.UTC().Format("15:04:05.000000"))
	}
	return strings.TrimSpace(b.String() + " " + e.state)
}

// readEvents returns all changes in order.
func readEvents(ctx context.Context, conn *pgx.Conn) ([]event, error) {
	rows, err := conn.Query(ctx, `SELECT e.at, e.place, e.op, e.job, coalesce(e.key, ''), coalesce(e.attempts, 0), coalesce(h.name, CASE WHEN e.handler IS NULL THEN '' ELSE '?' END),
			coalesce(e.due, 'epoch'), coalesce(e.expires, 'epoch'), coalesce(e.state, '')
		FROM audit.event e LEFT JOIN jobgen.handler h ON h.number = e.handler ORDER BY e.seq`)
	if err != nil {
		return nil, fmt.Errorf("read the audit: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e event, err error) {
		err = row.Scan(&e.at, &e.place, &e.op, &e.job, &e.key, &e.attempts, &e.handler, &e.due, &e.expires, &e.state)
		e.due, e.expires = real(e.due), real(e.expires)
		return e, err
	})
}

// real makes the time that stands for none the zero one.
func real(t time.Time) time.Time {
	if t.Unix() == 0 {
		return time.Time{}
	}
	return t
}

// An attemptRow is the log that is kept of an attempt.
type attemptRow struct {
	job     int64
	number  int32
	handler string
	outcome int16
}

// Outcomes of attempts, as the tables have them.
const (
	outcomeOpen = iota
	outcomeDone
	outcomeFailed
	outcomeSuperseded
	outcomeLost
)

func readAttempts(ctx context.Context, conn *pgx.Conn) ([]attemptRow, error) {
	rows, err := conn.Query(ctx, `SELECT a.job, a.number, coalesce(h.name, '?'), a.outcome
		FROM jobgen.attempt a LEFT JOIN jobgen.handler h ON h.number = a.handler ORDER BY a.job, a.number`)
	if err != nil {
		return nil, fmt.Errorf("read the attempts: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (a attemptRow, err error) {
		return a, row.Scan(&a.job, &a.number, &a.handler, &a.outcome)
	})
}

// readPlaces says where each job is now: waiting, claimed, dead or cancelled.
// One that is in two places is there twice.
func readPlaces(ctx context.Context, conn *pgx.Conn) (map[int64][]string, error) {
	rows, err := conn.Query(ctx, `SELECT id, CASE WHEN handler IS NULL THEN 'waiting' ELSE 'claimed' END FROM jobgen.job
		UNION ALL SELECT id, state FROM jobgen.ended_job`)
	if err != nil {
		return nil, fmt.Errorf("read the jobs: %w", err)
	}
	places := make(map[int64][]string)
	var id int64
	var place string
	_, err = pgx.ForEachRow(rows, []any{&id, &place}, func() error {
		places[id] = append(places[id], place)
		return nil
	})
	return places, err
}

// readEffects counts what handlers have committed in transactions, by job.
func readEffects(ctx context.Context, conn *pgx.Conn) (map[int64]int, error) {
	rows, err := conn.Query(ctx, "SELECT job, count(*) FROM audit.effect GROUP BY job")
	if err != nil {
		return nil, fmt.Errorf("read the effects: %w", err)
	}
	effects := make(map[int64]int)
	var id int64
	var n int
	_, err = pgx.ForEachRow(rows, []any{&id, &n}, func() error {
		effects[id] = n
		return nil
	})
	return effects, err
}

// readHolders says which process each handler lives and dies with.
func readHolders(ctx context.Context, conn *pgx.Conn) (map[string]string, error) {
	rows, err := conn.Query(ctx, "SELECT name, holder::text FROM jobgen.handler WHERE holder IS NOT NULL")
	if err != nil {
		return nil, fmt.Errorf("read the handlers: %w", err)
	}
	holders := make(map[string]string)
	var name, holder string
	_, err = pgx.ForEachRow(rows, []any{&name, &holder}, func() error {
		holders[name] = holder
		return nil
	})
	return holders, err
}

// unfinished counts the jobs that are neither finished, cancelled nor dead.
func unfinished(ctx context.Context, conn *pgx.Conn) (n int, err error) {
	err = conn.QueryRow(ctx, "SELECT count(*) FROM jobgen.job").Scan(&n)
	return n, err
}

// finishedSince counts the jobs that have left the queue in the last d.
func finishedSince(ctx context.Context, conn *pgx.Conn, d time.Duration) (n int, err error) {
	err = conn.QueryRow(ctx, `SELECT count(*) FROM audit.event WHERE place = 'job' AND op = 'DELETE' AND at > clock_timestamp() - $1::interval`, d).Scan(&n)
	return n, err
}

// What the interleavings need of the tables.
const (
	emptySQL  = "WITH j AS (DELETE FROM jobgen.job), e AS (DELETE FROM jobgen.ended_job), a AS (DELETE FROM jobgen.attempt) DELETE FROM audit.event"
	expireSQL = "UPDATE jobgen.job SET claimed = claimed - interval '1 hour', expires = expires - interval '1 hour' WHERE id = $1"
	// agedSQL makes what has ended look as if it had long ago.
	agedSQL      = "WITH e AS (UPDATE jobgen.ended_job SET ended = ended - interval '40 days') UPDATE jobgen.attempt SET ended = ended - interval '40 days'"
	retentionSQL = "SELECT jobgen.upkeep(30)"
	leftSQL      = `SELECT coalesce((SELECT string_agg(l.line, '; ' ORDER BY l.line) FROM (
		SELECT format('job with %s attempts of %s', j.attempts, h.name) AS line FROM jobgen.job j LEFT JOIN jobgen.handler h ON h.number = j.handler WHERE j.id = $1
		UNION ALL SELECT format('%s after %s attempts', e.state, e.attempts) FROM jobgen.ended_job e WHERE e.id = $1
		UNION ALL SELECT format('row of attempt %s by %s, outcome %s: %s', a.number, h.name, a.outcome, a.reason)
			FROM jobgen.attempt a LEFT JOIN jobgen.handler h ON h.number = a.handler WHERE a.job = $1) l), 'nothing')`
)
