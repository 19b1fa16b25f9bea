package postgres

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// What the database says that this package decides on.
const (
	notPermitted         = "42501" // insufficient_privilege
	readOnlyTransaction  = "25006"
	noSuchTable          = "42P01"
	noSuchSchema         = "3F000"
	deadlock             = "40P01"
	serializationFailure = "40001"
	lockNotAvailable     = "55P03"
)

// sqlState is the SQLSTATE that the database answered with, or "".
func sqlState(err error) string {
	if pgErr := (*pgconn.PgError)(nil); errors.As(err, &pgErr) {
		return pgErr.Code
	}
	return ""
}
