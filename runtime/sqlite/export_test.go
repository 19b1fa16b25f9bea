package sqlite

import (
	"context"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
)

// Advance lets d pass for the jobs of the file.
func (s *Store) Advance(ctx context.Context, d time.Duration) error {
	us := d.Microseconds()
	for _, statement := range []string{
		`UPDATE jobgen_job SET due = due - $1`,
		`UPDATE jobgen_waiting SET due = due - $1`,
		`UPDATE jobgen_claim SET claimed = claimed - $1, expires = expires - $1`,
		`UPDATE jobgen_queue SET expires = iif(expires = 9223372036854775807, expires, expires - $1), claimed = claimed - $1`,
		`UPDATE jobgen_ended_job SET due = due - $1`,
	} {
		if _, err := s.db.callers.ExecContext(ctx, statement, us); err != nil {
			return err
		}
	}
	return nil
}

// Forget is one round of what a process does every hour.
func (s *Store) Forget(ctx context.Context) error { return s.db.forget(ctx) }

// Node is the snowflake node number that the store mints ids under.
func (s *Store) Node() int64 {
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

// WithPragma sets one more pragma on every connection.
func WithPragma(pragma string) Option {
	return func(o *options) error {
		o.pragmas = append(o.pragmas, pragma)
		return nil
	}
}

// Introduce tells the file which types a program knows, as Open does.
func (s *Store) Introduce(ctx context.Context, known ...driver.KnownType) error {
	return s.db.writer.write(ctx, func(ctx context.Context, op *operation) error { return op.introduce(ctx, known) })
}
