package postgres

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
)

// SweepAlways makes every claim of this store's queues a full sweep, for
// tests in which time is moved under its feet.
func (s *Store) SweepAlways() { s.db.states.sweepAlways = true }

// Advance lets d pass for the jobs of the database.
func (s *Store) Advance(ctx context.Context, d time.Duration) error {
	us := d.Microseconds()
	for _, statement := range []string{
		`UPDATE jobgen.job SET due = due - $1 * interval '1 microsecond', claimed = claimed - $1 * interval '1 microsecond', expires = expires - $1 * interval '1 microsecond'`,
		`UPDATE jobgen.queue SET created = created - $1 * interval '1 microsecond'`,
		`UPDATE jobgen.ended_job SET due = due - $1 * interval '1 microsecond'`,
	} {
		if _, err := s.db.server.pool.Exec(ctx, s.db.schema.apply(statement), us); err != nil {
			return err
		}
	}
	return nil
}

// Pool is the pool that the store works on.
func (s *Store) Pool() *pgxpool.Pool { return s.db.server.pool }

// Upkeep is what a process does every hour. It waits for the store's own, which
// begins when the store is opened: of two at once one does nothing.
func (s *Store) Upkeep(ctx context.Context, keepDays int32) error {
	var failures []string
	err := pgx.BeginFunc(ctx, s.db.server.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('jobgen.upkeep', 0))"); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, s.db.schema.apply("SELECT jobgen.upkeep($1)"), keepDays)
		if err != nil {
			return err
		}
		failures, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err == nil && len(failures) > 0 {
		err = errors.New(strings.Join(failures, "; "))
	}
	return err
}

// Node is the snowflake node number that the store mints ids under.
func (s *Store) Node() int16 {
	s.db.ids.mu.Lock()
	defer s.db.ids.mu.Unlock()
	return s.db.ids.lease.number
}

// LoseLease makes the store's lease look as if it had run out.
func (s *Store) LoseLease() {
	s.db.ids.mu.Lock()
	defer s.db.ids.mu.Unlock()
	s.db.ids.lease.until = time.Time{}
}

// Die ends what the store does in the background without a word to the
// database, as a process does that is killed.
func (s *Store) Die() {
	s.db.cancel()
	s.db.tasks.Wait()
}

// CanDeclareDead makes the store look as if it had been in touch with the database for
// long.
func (s *Store) CanDeclareDead() {
	s.db.ids.mu.Lock()
	defer s.db.ids.mu.Unlock()
	s.db.ids.since = s.db.ids.since.Add(-time.Hour)
	_, err := s.db.server.pool.Exec(context.Background(), s.db.schema.apply("UPDATE jobgen.node SET since = since - interval '1 hour' WHERE holder = $1"), s.db.ids.holder)
	if err != nil {
		panic(err)
	}
}

// Renew is one renewal of the store's lease.
func (s *Store) Renew(ctx context.Context) error { return s.db.ids.renewOnce(ctx, s.db.ids.insist) }

// Channel is where the store's notifications go.
func (s *Store) Channel() string { return s.db.notifier.channel }

// Cursors are where a queue's claims for these types begin, as parameters of
// the function claim.
func (s *Store) Cursors(of *runtime.Queue, types ...driver.TypeVersion) (due []pgtype.Timestamptz, after []int64) {
	scan := of.Driver().(*queue).state.cursor(types).next(time.Time{}.Add(time.Nanosecond), false)
	return scan.due, scan.after
}

// CreateQueues makes the queues of a catalogue.
func (s *Store) CreateQueues(ctx context.Context, names ...string) error {
	return createQueues(ctx, s.db.pooled, names)
}
