package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// A boundTx runs statements in one transaction of the caller and never outside
// it. What ends a transaction through pgx or database/sql those two know. What
// ends it by SQL, a ROLLBACK or COMMIT that the caller executes, they do not: a
// later statement would commit by itself, or in the transaction that follows.
// So each statement has a condition that it does nothing in a transaction other
// than the first statement's, which is known by the time it began at.
//
// As the transaction itself it serves one goroutine at a time.
type boundTx struct {
	tx    callersTx
	began int64 // microseconds of the server's clock; 0 until a statement has asked
}

// A callersTx is a transaction of pgx or of database/sql.
type callersTx interface {
	pgdb.DBTX
	// first runs a statement as Query does, and learns when the transaction began.
	// It returns ErrTxEnded where there is none.
	first(ctx context.Context, sql string, args []any) (began int64, rows pgx.Rows, err error)
}

// txBegan is when the transaction began that a statement runs in. A statement
// that is a transaction of its own has another time than any before.
const txBegan = "(extract(epoch FROM now()) * 1000000)::bigint"

func (b *boundTx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if b.began == 0 {
		rows, err := b.begin(ctx, sql, args)
		if err != nil {
			return pgconn.CommandTag{}, err
		}
		if rows != nil {
			rows.Close()
			return rows.CommandTag(), classify(rows.Err())
		}
	}
	sql, args, err := b.guard(ctx, sql, args)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := b.tx.Exec(ctx, sql, args...)
	if err == nil && tag.RowsAffected() == 0 {
		err = b.check(ctx)
	}
	return tag, classify(err)
}

func (b *boundTx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if b.began == 0 {
		rows, err := b.begin(ctx, sql, args)
		if rows != nil || err != nil {
			return rows, err
		}
	}
	sql, args, err := b.guard(ctx, sql, args)
	if err != nil {
		return nil, err
	}
	rows, err := b.tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, classify(err)
	}
	return &boundRows{Rows: rows, ctx: ctx, tx: b}, nil
}

func (b *boundTx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	rows, err := b.Query(ctx, sql, args...)
	return onlyRow{rows, err}
}

// begin learns when the transaction began. Where that took no statement of its
// own it returns what the caller's first statement returns, and nil otherwise.
func (b *boundTx) begin(ctx context.Context, sql string, args []any) (pgx.Rows, error) {
	began, rows, err := b.tx.first(ctx, sql, args)
	if err != nil {
		return nil, classify(err)
	}
	b.began = began
	if rows == nil {
		return nil, nil
	}
	return &boundRows{Rows: rows, ctx: ctx}, nil
}

// check returns ErrTxEnded where statements do not run in the transaction.
func (b *boundTx) check(ctx context.Context) error {
	var began int64
	if err := b.tx.QueryRow(ctx, "SELECT "+txBegan).Scan(&began); err != nil {
		return classify(err)
	}
	if began != b.began {
		return fmt.Errorf("%w by a statement", driver.ErrTxEnded)
	}
	return nil
}

// guard adds to a statement that it does nothing in another transaction. The
// condition names no column, so the server decides it before anything else, and
// calls no function where it does not hold. What cannot be written so is
// preceded by a check: nothing comes between the two.
func (b *boundTx) guard(ctx context.Context, sql string, args []any) (string, []any, error) {
	guarded, ok := guardStatement(sql, len(args))
	if !ok {
		return sql, args, b.check(ctx)
	}
	return guarded, append(args[:len(args):len(args)], b.began), nil
}

// guardStatement writes the guard into a statement of so many parameters, as
// one more parameter. It reports whether it could.
func guardStatement(sql string, params int) (string, bool) {
	if have, ok := guardedStatements.Load(sql); ok {
		text := have.(string)
		return text, text != ""
	}
	condition := txBegan + " = $" + strconv.Itoa(params+1) + "::bigint"
	text := ""
	switch verb := statementVerb(sql); {
	case verb == "SELECT" || verb == "WITH":
		text = "SELECT guarded.* FROM (\n" + sql + "\n) AS guarded WHERE " + condition
	case strings.Count(sql, queueExists) == 1:
		text = strings.Replace(sql, queueExists, queueExists+" AND "+condition, 1)
	}
	guardedStatements.Store(sql, text)
	return text, text != ""
}

// queueExists is where each statement that adds jobs asks whether the queue is
// there, by which it adds them or not.
const queueExists = "q.deleted IS NULL"

// guardedStatements are statements as sent by what they are made of; "" where
// they cannot be guarded.
var guardedStatements sync.Map

// statementVerb is the first word of a statement after its comments.
func statementVerb(sql string) string {
	for line := range strings.Lines(sql) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "--") {
			verb, _, _ := strings.Cut(line, " ")
			return verb
		}
	}
	return ""
}

// boundRows are the rows of a guarded statement; tx is nil where it ran without
// a guard.
type boundRows struct {
	pgx.Rows
	ctx context.Context
	tx  *boundTx
	any bool
}

func (r *boundRows) Next() bool {
	next := r.Rows.Next()
	r.any = r.any || next
	return next
}

func (r *boundRows) Err() error {
	err := classify(r.Rows.Err())
	if err == nil && !r.any && r.tx != nil {
		r.Close()
		return r.tx.check(r.ctx)
	}
	return err
}

// onlyRow is the one row of a query.
type onlyRow struct {
	rows pgx.Rows
	err  error
}

func (r onlyRow) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	r.rows.Close()
	return r.rows.Err()
}

// pgxTx is a transaction of pgx.
type pgxTx struct{ pgx.Tx }

// first sends the statement together with the one that asks for the time. Pgx
// knows whether its connection is in a transaction, and whether this one is
// over, which has to be asked first: its connection may be somebody else's then.
func (t pgxTx) first(ctx context.Context, sql string, args []any) (int64, pgx.Rows, error) {
	if err := t.SendBatch(ctx, &pgx.Batch{}).Close(); err != nil {
		return 0, nil, err
	}
	if conn := t.Conn(); conn != nil && conn.PgConn().TxStatus() == 'I' {
		return 0, nil, fmt.Errorf("%w by a statement", driver.ErrTxEnded)
	}
	var batch pgx.Batch
	batch.Queue("SELECT " + txBegan)
	batch.Queue(sql, args...)
	results := t.SendBatch(ctx, &batch)
	var began int64
	if err := results.QueryRow().Scan(&began); err != nil {
		return 0, nil, errors.Join(err, results.Close())
	}
	rows, err := results.Query()
	if err != nil {
		return 0, nil, errors.Join(err, results.Close())
	}
	return began, &batchRows{Rows: rows, batch: results}, nil
}

// batchRows are rows that end the batch they belong to.
type batchRows struct {
	pgx.Rows
	batch pgx.BatchResults
	err   error
}

func (r *batchRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

func (r *batchRows) Close() {
	r.Rows.Close()
	if r.batch != nil {
		r.err = r.batch.Close()
		r.batch = nil
	}
}

func (r *batchRows) Err() error {
	if err := r.Rows.Err(); err != nil {
		return err
	}
	return r.err
}
