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

func (s *schemaName) apply(sql string) string {
	if s.name == defaultSchema {
		return sql
	}
	if have, ok := s.rewritten.Load(sql); ok {
		return have.(string)
	}
	sent := strings.ReplaceAll(sql, defaultSchema+".", pgx.Identifier{s.name}.Sanitize()+".")
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
