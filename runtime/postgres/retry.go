package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// retry repeats what the database gave up in favour of another transaction:
// a deadlock's victim or a serialization failure has changed nothing.
func retry[T any](ctx context.Context, do func() (T, error)) (T, error) {
	for try := 1; ; try++ {
		result, err := do()
		var pgErr *pgconn.PgError
		if try == 5 || ctx.Err() != nil || !errors.As(err, &pgErr) || pgErr.Code != "40P01" && pgErr.Code != "40001" {
			return result, err
		}
	}
}
