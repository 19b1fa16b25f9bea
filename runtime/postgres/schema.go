package postgres

import (
	"context"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// A schemaName writes the name that the user chose into statements, which
// are written for the schema jobgen. Each statement is rewritten once.
type schemaName struct {
	name      string
	rewritten sync.Map // statement as written to statement as sent
}

// quoted is the schema's name as an SQL identifier.
func (s *schemaName) quoted() string { return quote(s.name) }

// quote makes an SQL identifier of a name. Names go into statements nowhere
// else: those of queues and handlers are parameters.
func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

func (s *schemaName) apply(sql string) string {
	if s.name == defaultSchema {
		return sql
	}
	if have, ok := s.rewritten.Load(sql); ok {
		return have.(string)
	}
	sent := strings.ReplaceAll(sql, defaultSchema+".", s.quoted()+".")
	s.rewritten.Store(sql, sent)
	return sent
}

// inSchema is a connection, pool or transaction whose statements go to the
// user's schema.
type inSchema struct {
	pgdb.DBTX
	schema *schemaName
}

func (d inSchema) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return d.DBTX.Exec(ctx, d.schema.apply(sql), args...)
}

func (d inSchema) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return d.DBTX.Query(ctx, d.schema.apply(sql), args...)
}

func (d inSchema) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return d.DBTX.QueryRow(ctx, d.schema.apply(sql), args...)
}
