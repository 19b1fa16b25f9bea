package postgres

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// sqlTx is a database/sql transaction of any PostgreSQL driver as the
// statements of this package need it. Arrays travel as their text, which every
// driver can send.
type sqlTx struct{ tx *sql.Tx }

func (t sqlTx) Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error) {
	result, err := t.tx.ExecContext(ctx, query, sqlArgs(args)...)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	return pgconn.NewCommandTag("EXECUTE " + strconv.FormatInt(n, 10)), nil
}

func (t sqlTx) Query(ctx context.Context, query string, args ...any) (pgx.Rows, error) {
	rows, err := t.tx.QueryContext(ctx, query, sqlArgs(args)...)
	if err != nil {
		return nil, err
	}
	return &sqlRows{rows: rows}, nil
}

func (t sqlTx) QueryRow(ctx context.Context, query string, args ...any) pgx.Row {
	return t.tx.QueryRowContext(ctx, query, sqlArgs(args)...)
}

// sqlArgs replaces arrays by their PostgreSQL text.
func sqlArgs(args []any) []any {
	sent := make([]any, len(args))
	for i, arg := range args {
		switch arg := arg.(type) {
		case []int64:
			sent[i] = arrayText(arg, func(n int64) string { return strconv.FormatInt(n, 10) })
		case []int32:
			sent[i] = arrayText(arg, func(n int32) string { return strconv.FormatInt(int64(n), 10) })
		case []string:
			sent[i] = arrayText(arg, quoteElement)
		default:
			sent[i] = arg
		}
	}
	return sent
}

func arrayText[T any](values []T, text func(T) string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(text(v))
	}
	b.WriteByte('}')
	return b.String()
}

var elementEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func quoteElement(s string) string { return `"` + elementEscapes.Replace(s) + `"` }

// sqlRows is *sql.Rows as [pgx.Rows].
type sqlRows struct {
	rows *sql.Rows
	err  error
}

var errNoRawRows = errors.New("rows of a database/sql transaction have no raw values")

func (r *sqlRows) Close() {
	if err := r.rows.Close(); err != nil && r.err == nil {
		r.err = err
	}
}

func (r *sqlRows) Err() error {
	if r.err != nil {
		return r.err
	}
	return r.rows.Err()
}

func (r *sqlRows) CommandTag() pgconn.CommandTag                { return pgconn.CommandTag{} }
func (r *sqlRows) FieldDescriptions() []pgconn.FieldDescription { return nil }
func (r *sqlRows) Next() bool                                   { return r.rows.Next() }
func (r *sqlRows) Scan(dest ...any) error                       { return r.rows.Scan(dest...) }
func (r *sqlRows) Values() ([]any, error)                       { return nil, errNoRawRows }
func (r *sqlRows) RawValues() [][]byte                          { return nil }
func (r *sqlRows) Conn() *pgx.Conn                              { return nil }
func (r *sqlRows) TypeMap() *pgtype.Map                         { return nil }

// txClosed reports whether err says that a bound transaction is over.
func txClosed(err error) bool {
	return errors.Is(err, pgx.ErrTxClosed) || errors.Is(err, sql.ErrTxDone)
}
