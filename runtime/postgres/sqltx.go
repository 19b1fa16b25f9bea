package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// sqlTx is a database/sql transaction of any PostgreSQL driver as the
// statements of this package need it. Arrays travel as their text, which every
// driver can send and return.
type sqlTx struct{ tx *sql.Tx }

func (t sqlTx) Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error) {
	sent, err := sqlArgs(args)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	result, err := t.tx.ExecContext(ctx, query, sent...)
	if err != nil {
		return pgconn.CommandTag{}, contextError(ctx, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	return pgconn.NewCommandTag("EXECUTE " + strconv.FormatInt(n, 10)), nil
}

func (t sqlTx) Query(ctx context.Context, query string, args ...any) (pgx.Rows, error) {
	sent, err := sqlArgs(args)
	if err != nil {
		return nil, err
	}
	rows, err := t.tx.QueryContext(ctx, query, sent...)
	if err != nil {
		return nil, contextError(ctx, err)
	}
	return &sqlRows{ctx: ctx, rows: rows}, nil
}

func (t sqlTx) QueryRow(ctx context.Context, query string, args ...any) pgx.Row {
	rows, err := t.Query(ctx, query, args...)
	return onlyRow{rows, err}
}

// first asks for the time alone. Nothing says whether the connection is in a
// transaction; where it is not, the next statement has another time.
func (t sqlTx) first(ctx context.Context, _ string, _ []any) (began int64, _ pgx.Rows, err error) {
	err = t.QueryRow(ctx, "SELECT "+txBegan).Scan(&began)
	return began, nil, err
}

// contextError adds to err that the caller's context has ended: some drivers
// only say that the server cancelled the statement.
func contextError(ctx context.Context, err error) error {
	if ended := ctx.Err(); err != nil && ended != nil && !errors.Is(err, ended) {
		return fmt.Errorf("%w: %w", ended, err)
	}
	return err
}

// sqlArgs replaces arrays by their PostgreSQL text.
func sqlArgs(args []any) ([]any, error) {
	sent := make([]any, len(args))
	for i, arg := range args {
		var err error
		if sent[i], err = sqlArg(arg); err != nil {
			return nil, fmt.Errorf("parameter %d: %w", i+1, err)
		}
	}
	return sent, nil
}

// sqlArg is a parameter as every driver can send it. Slices are arrays, other
// than []byte; nil ones are null.
func sqlArg(arg any) (any, error) {
	v := reflect.ValueOf(arg)
	if v.Kind() != reflect.Slice || v.Type().Elem().Kind() == reflect.Uint8 {
		return arg, nil
	}
	if v.IsNil() {
		return nil, nil
	}
	var b strings.Builder
	b.WriteByte('{')
	for i := range v.Len() {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := writeElement(&b, v.Index(i)); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.String(), nil
}

var elementEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// writeElement writes an element of an array as PostgreSQL reads it.
func writeElement(b *strings.Builder, v reflect.Value) error {
	if valuer, ok := v.Interface().(driver.Valuer); ok {
		value, err := valuer.Value()
		if err != nil {
			return err
		}
		v = reflect.ValueOf(value)
	}
	if !v.IsValid() {
		b.WriteString("NULL")
		return nil
	}
	if at, ok := v.Interface().(time.Time); ok {
		v = reflect.ValueOf(at.UTC().Format("2006-01-02 15:04:05.999999Z07:00"))
	}
	switch {
	case v.Kind() == reflect.String:
		b.WriteByte('"')
		_, _ = elementEscapes.WriteString(b, v.String())
		b.WriteByte('"')
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		if v.IsNil() {
			b.WriteString("NULL")
			return nil
		}
		b.WriteString(`"\\x`)
		b.WriteString(hex.EncodeToString(v.Bytes()))
		b.WriteByte('"')
	case v.Kind() == reflect.Bool:
		b.WriteString(strconv.FormatBool(v.Bool()))
	case v.CanInt():
		b.WriteString(strconv.FormatInt(v.Int(), 10))
	case v.CanFloat():
		b.WriteString(strconv.FormatFloat(v.Float(), 'g', -1, 64))
	default:
		return fmt.Errorf("an array of %s cannot be sent", v.Type())
	}
	return nil
}

// sqlRows is *sql.Rows as [pgx.Rows].
type sqlRows struct {
	ctx  context.Context
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
		return contextError(r.ctx, r.err)
	}
	return contextError(r.ctx, r.rows.Err())
}

func (r *sqlRows) CommandTag() pgconn.CommandTag                { return pgconn.CommandTag{} }
func (r *sqlRows) FieldDescriptions() []pgconn.FieldDescription { return nil }
func (r *sqlRows) Next() bool                                   { return r.rows.Next() }
func (r *sqlRows) Values() ([]any, error)                       { return nil, errNoRawRows }
func (r *sqlRows) RawValues() [][]byte                          { return nil }
func (r *sqlRows) Conn() *pgx.Conn                              { return nil }
func (r *sqlRows) TypeMap() *pgtype.Map                         { return nil }

// Scan reads arrays of numbers, which database/sql does not, from their text.
func (r *sqlRows) Scan(dest ...any) error {
	for i, d := range dest {
		if numbers, ok := d.(*[]int64); ok {
			dest[i] = (*arrayText)(numbers)
		}
	}
	return r.rows.Scan(dest...)
}

// An arrayText is an array of numbers that is read from its text.
type arrayText []int64

func (a *arrayText) Scan(src any) error {
	var text sql.NullString
	if err := text.Scan(src); err != nil {
		return err
	}
	*a = nil
	for number := range strings.SplitSeq(strings.Trim(text.String, "{}"), ",") {
		if number == "" {
			continue
		}
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return err
		}
		*a = append(*a, n)
	}
	return nil
}
