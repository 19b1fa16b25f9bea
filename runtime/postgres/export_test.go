package postgres

import (
	"context"
	"time"
)

// SweepAlways makes every claim of this store's queues a full sweep, for
// tests in which time is moved under its feet.
func (s *Store) SweepAlways() { s.hubs.sweepAlways = true }

// Advance lets d pass for the jobs of the database.
func (s *Store) Advance(ctx context.Context, d time.Duration) error {
	us := d.Microseconds()
	for _, statement := range []string{
		`UPDATE jobgen.job SET due = due - $1 * interval '1 microsecond', claimed = claimed - $1 * interval '1 microsecond', expires = expires - $1 * interval '1 microsecond'`,
		`UPDATE jobgen.ended_job SET due = due - $1 * interval '1 microsecond'`,
	} {
		if _, err := s.pool.Exec(ctx, s.schema.apply(statement), us); err != nil {
			return err
		}
	}
	return nil
}
