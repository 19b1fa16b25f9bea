package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// A migration is one file of the folder. Its number in the list is its
// version; version 0 makes the schema and the table that keeps count.
type migration struct {
	name string
	sql  string
}

func migrations() ([]migration, error) {
	entries, err := migrationFiles.ReadDir("migrations") // in order of name
	if err != nil {
		return nil, err
	}
	list := make([]migration, len(entries))
	for i, entry := range entries {
		sql, err := migrationFiles.ReadFile("migrations/" + entry.Name())
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(entry.Name(), fmt.Sprintf("%03d_", i)) {
			return nil, fmt.Errorf("migration %s is number %d of its folder", entry.Name(), i)
		}
		list[i] = migration{strings.TrimSuffix(entry.Name(), ".sql"), string(sql)}
	}
	return list, nil
}

// Migrate makes the schema, or brings it up to date, in one transaction, and
// leaves one that is up to date alone. Any number of processes may call it at
// once. A database that is newer than this program is refused. Open and New
// call it unless told otherwise; of the options only [WithSchema] counts.
func Migrate(ctx context.Context, dsn string, opts ...Option) error {
	o, err := newOptions(opts)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return migrate(ctx, conn, &schemaName{name: o.schema}, true)
}

func migratePool(ctx context.Context, pool *pgxpool.Pool, schema *schemaName, apply bool) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Release()
	return migrate(ctx, conn.Conn(), schema, apply)
}

// migrate checks the database's version and, with apply, brings it to ours.
func migrate(ctx context.Context, conn *pgx.Conn, schema *schemaName, apply bool) error {
	list, err := migrations()
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	have, err := schemaVersion(ctx, conn, schema)
	if err != nil {
		return fmt.Errorf("read the version of schema %q: %w", schema.name, err)
	}
	want := len(list) - 1
	switch {
	case have > want:
		return fmt.Errorf("the database's schema %q is at version %d and this program knows versions up to %d: use a newer program", schema.name, have, want)
	case have == want:
		return nil
	case !apply:
		return fmt.Errorf("the database's schema %q is at version %d and this program needs version %d: migrate it first (-1 means that there is none)", schema.name, have, want)
	}
	if err := applyMigrations(ctx, conn, schema, list); err != nil {
		return fmt.Errorf("migrate schema %q: %w", schema.name, err)
	}
	return nil
}

// schemaVersion is the last migration applied, or -1.
func schemaVersion(ctx context.Context, conn *pgx.Conn, schema *schemaName) (int, error) {
	version := -1
	err := conn.QueryRow(ctx, schema.apply("SELECT max(version) FROM jobgen.migration"), pgx.QueryExecModeSimpleProtocol).Scan(&version)
	if pgErr := (*pgconn.PgError)(nil); errors.As(err, &pgErr) && (pgErr.Code == "42P01" || pgErr.Code == "3F000") { // no such table, no such schema
		return -1, nil
	}
	return version, err
}

func applyMigrations(ctx context.Context, conn *pgx.Conn, schema *schemaName, list []migration) error {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite})
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // of no effect after Commit
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", pgx.QueryExecModeSimpleProtocol, "jobgen migration of "+schema.name); err != nil {
		return err
	}
	// Read in a statement of its own: whoever had the lock may have done it.
	var hasSchema, hasTable bool
	err = tx.QueryRow(ctx, schema.apply("SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1), to_regclass('jobgen.migration') IS NOT NULL"),
		pgx.QueryExecModeSimpleProtocol, schema.name).Scan(&hasSchema, &hasTable)
	if err != nil {
		return err
	}
	have := -1
	if hasTable {
		if have, err = schemaVersion(ctx, conn, schema); err != nil {
			return err
		}
	}
	for version := have + 1; version < len(list); version++ {
		m := list[version]
		sql := schema.apply(m.sql)
		if create, rest, _ := strings.Cut(sql, "\n"); version == 0 {
			// Where the schema is there, the right to make one is not needed.
			if sql = rest; !hasSchema {
				sql = strings.Replace(create, " "+defaultSchema+";", " "+pgx.Identifier{schema.name}.Sanitize()+";", 1) + rest
			}
		}
		if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if _, err := tx.Exec(ctx, schema.apply("INSERT INTO jobgen.migration (version, name) VALUES ($1, $2)"), pgx.QueryExecModeSimpleProtocol, version, m.name); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return tx.Commit(ctx)
}
