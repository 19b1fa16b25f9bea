package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"errors"

	"github.com/ncruces/go-sqlite3"
	sqlitedriver "github.com/ncruces/go-sqlite3/driver"

	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// waiting finds up to a limit of jobs that wait, in the order of the claim. On
// the writer's connection it goes without database/sql, which would take as
// long over each row as SQLite does.
func (op *operation) waiting(ctx context.Context, w wanted) ([]jobRow, error) {
	arg := sqlitedb.WaitingParams{Queue: op.queue, Now: op.at(), AnyType: w.anyType, Types: w.types, MaxJobs: int64(w.limit)}
	if op.conn != nil {
		return op.conn.waiting(arg, w.lowestFirst)
	}
	var found []jobRow
	if w.lowestFirst {
		rows, err := op.WaitingLowestFirst(ctx, sqlitedb.WaitingLowestFirstParams(arg))
		for _, row := range rows {
			found = append(found, rowOf(sqlitedb.WaitingRow(row)))
		}
		return found, err
	}
	rows, err := op.Waiting(ctx, arg)
	for _, row := range rows {
		found = append(found, rowOf(row))
	}
	return found, err
}

// waiting is [sqlitedb.Queries.Waiting] or WaitingLowestFirst on raw rows.
func (c *connection) waiting(arg sqlitedb.WaitingParams, lowestFirst bool) (rows []jobRow, err error) {
	stmt, text := &c.raw, sqlitedb.Waiting
	if lowestFirst {
		stmt, text = &c.rawLowestFirst, sqlitedb.WaitingLowestFirst
	}
	err = c.conn.Raw(func(driverConn any) error {
		if *stmt == nil {
			prepared, _, err := driverConn.(sqlitedriver.Conn).Raw().Prepare(text)
			if err != nil {
				return err
			}
			*stmt = prepared
		}
		rows, err = readWaiting(*stmt, arg)
		reset := (*stmt).Reset() // the same error once more, if there is one
		return cmp.Or(err, reset)
	})
	return rows, err
}

func readWaiting(stmt *sqlite3.Stmt, arg sqlitedb.WaitingParams) ([]jobRow, error) {
	err := errors.Join(
		stmt.BindInt64(1, arg.Queue), stmt.BindInt64(2, arg.Now), stmt.BindBool(3, arg.AnyType),
		stmt.BindText(4, arg.Types), stmt.BindInt64(5, arg.MaxJobs))
	if err != nil {
		return nil, err
	}
	var rows []jobRow
	jobType := ""
	for stmt.Step() {
		if text := stmt.ColumnRawText(8); string(text) != jobType {
			jobType = string(text)
		}
		rows = append(rows, jobRow{
			ID: stmt.ColumnInt64(0), Priority: stmt.ColumnInt64(1), PayloadVersion: stmt.ColumnInt64(2),
			Attempts: stmt.ColumnInt64(3), MaxAttempts: stmt.ColumnInt64(4),
			Created: stmt.ColumnInt64(5), Due: stmt.ColumnInt64(6), MaxWork: stmt.ColumnInt64(7),
			Type: jobType, Payload: bytes.Clone(stmt.ColumnRawText(9)),
		})
	}
	return rows, stmt.Err()
}
