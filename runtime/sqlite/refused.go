package sqlite

import (
	"errors"

	"github.com/ncruces/go-sqlite3"

	"github.com/jobgen/jobgen/runtime/driver"
)

// refused returns err as a [*driver.RefusedError] where it is an answer after
// which nothing was done, and otherwise as it is. Every operation that fails is
// undone, so that leaves out what a broken disk or a damaged file answers.
func refused(err error) error {
	var already *driver.RefusedError
	var busy *busyError
	var code sqlite3.ErrorCode
	switch {
	case err == nil, errors.As(err, &already):
		return err
	case errors.As(err, &busy), errors.Is(err, ErrFileChanged):
		return &driver.RefusedError{Err: err}
	case !errors.As(err, &code):
		return err
	}
	switch code {
	case sqlite3.CONSTRAINT, sqlite3.TOOBIG, sqlite3.MISMATCH, sqlite3.RANGE, sqlite3.ERROR, sqlite3.PERM, sqlite3.AUTH:
		return &driver.RefusedError{Err: err, Final: true}
	case sqlite3.BUSY, sqlite3.LOCKED, sqlite3.FULL, sqlite3.NOMEM, sqlite3.READONLY, sqlite3.CANTOPEN, sqlite3.SCHEMA, sqlite3.PROTOCOL:
		return &driver.RefusedError{Err: err}
	}
	return err
}
