package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// A transaction is the caller's. Nothing is remembered of what was done in it:
// the caller may roll back to a savepoint at any time.
type transaction struct {
	tx      *sql.Tx
	queries *sqlitedb.Queries
}

func newTransaction(tx *sql.Tx) *transaction { return &transaction{tx, sqlitedb.New(tx)} }

// check returns [driver.ErrTxEnded] unless the transaction is open. database/sql
// does not see a COMMIT or ROLLBACK that was executed as a statement, or that
// SQLite has carried out by itself on an error, after which each statement would
// be a transaction of its own. SQLite refuses to begin a second transaction
// inside the first, and that tells.
func (t *transaction) check(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	_, err := t.tx.ExecContext(ctx, "BEGIN")
	switch {
	case err == nil:
		_, err = t.tx.ExecContext(ctx, "ROLLBACK")
		return errors.Join(driver.ErrTxEnded, err)
	case strings.Contains(err.Error(), "within a transaction"):
		return nil
	}
	return ended(err)
}

// ended is err, or [driver.ErrTxEnded] in place of what database/sql says.
func ended(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return driver.ErrTxEnded
	}
	return err
}

// write carries out do, all of it or nothing.
func (t *transaction) write(ctx context.Context, do func(ctx context.Context) error) error {
	if err := t.check(ctx); err != nil {
		return err
	}
	if _, err := t.tx.ExecContext(ctx, "SAVEPOINT jobgen_operation"); err != nil {
		return ended(err)
	}
	err := do(ctx)
	// Not ctx: what is half done is undone even where ctx was the reason.
	ctx = context.WithoutCancel(ctx)
	if err != nil {
		// An error here says that SQLite has rolled everything back.
		_, _ = t.tx.ExecContext(ctx, "ROLLBACK TO jobgen_operation")
		_, _ = t.tx.ExecContext(ctx, "RELEASE jobgen_operation")
		return ended(err)
	}
	_, err = t.tx.ExecContext(ctx, "RELEASE jobgen_operation")
	return ended(err)
}

// read carries out do, which writes nothing.
func (t *transaction) read(ctx context.Context, do func(ctx context.Context) error) error {
	if err := t.check(ctx); err != nil {
		return err
	}
	return ended(do(ctx))
}
