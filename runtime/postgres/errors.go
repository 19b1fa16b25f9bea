package postgres

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/jobgen/jobgen/runtime/driver"
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
	planOutdated         = "0A000" // also: cached plan must not change result type
	noSuchStatement      = "26000" // a pooler gave the connection to another session
)

// sqlState is the SQLSTATE that the database answered with, or "". Every driver's
// error that carries one has this method.
func sqlState(err error) string {
	if answer := (interface{ SQLState() string })(nil); errors.As(err, &answer) {
		return answer.SQLState()
	}
	return ""
}

// classify makes of a statement's error what [driver.Queue] promises: ErrTxEnded
// for a transaction that is over, a RefusedError for what the server answered,
// and the error as it is where the server is away.
func classify(err error) error {
	if err == nil || errors.Is(err, driver.ErrTxEnded) || errors.Is(err, pgx.ErrNoRows) || errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if errors.Is(err, pgx.ErrTxClosed) || errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("%w: %w", driver.ErrTxEnded, err)
	}
	switch state := sqlState(err); {
	case state == "" || away(state):
		return err
	default:
		return &driver.RefusedError{Err: err, Final: !passing(state)}
	}
}

// away reports whether the server says that it cannot serve now, whatever it is
// asked. Connections may be refused, cut off, or able to read only.
func away(state string) bool {
	switch state {
	case readOnlyTransaction,
		"25P03", "25P04", // the session or transaction was too slow, and the connection is cut
		"3D000", // the database does not exist, or not yet
		"53300": // too many connections
		return true
	}
	switch state[:min(2, len(state))] {
	case "08", // connections
		"28", // authentication
		"57": // the operator's doing
		return state != "57014" // a statement was cancelled, perhaps by its timeout
	case "58", "XX": // system errors, internal errors
		return true
	}
	return false
}

// passing reports whether the same statement may succeed at another time: the
// server had no memory, disk, lock or time for it.
func passing(state string) bool {
	return strings.HasPrefix(state, "40") || strings.HasPrefix(state, "53") || strings.HasPrefix(state, "55P") ||
		state == "55006" || state == "57014"
}
