package sqlite

import (
	"cmp"
	"errors"

	"github.com/ncruces/go-sqlite3"
	sqlitedriver "github.com/ncruces/go-sqlite3/driver"

	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// waiting is [sqlitedb.Queries.Waiting] without database/sql, which would take
// as long over each row as SQLite does.
func (c *connection) waiting(arg sqlitedb.WaitingParams) (rows []jobRow, err error) {
	err = c.conn.Raw(func(driverConn any) error {
		if c.native == nil {
			stmt, _, err := driverConn.(sqlitedriver.Conn).Raw().Prepare(sqlitedb.Waiting)
			if err != nil {
				return err
			}
			c.native = stmt
		}
		rows, err = readWaiting(c.native, arg)
		reset := c.native.Reset() // the same error once more, if there is one
		return cmp.Or(err, reset)
	})
	return rows, err
}

func readWaiting(stmt *sqlite3.Stmt, arg sqlitedb.WaitingParams) ([]jobRow, error) {
	err := errors.Join(
		stmt.BindInt64(1, arg.Queue), stmt.BindInt64(2, arg.Now), stmt.BindText(3, arg.Types), stmt.BindInt64(4, arg.MaxJobs))
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
			Type: jobType, Payload: stmt.ColumnText(9),
		})
	}
	return rows, stmt.Err()
}
