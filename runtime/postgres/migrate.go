package postgres

import (
	"context"
	"embed"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// A migration is one file of the folder. Its number in the list is its
// version; version 0 makes the schema and the table that keeps count.
type migration struct {
	name   string
	sql    string
	oldest int // the version of the oldest program that can work on what it leaves
}

// oldestLine is where a file says that programs older than a version, which is
// never above its own, cannot work on the schema any more.
var oldestLine = regexp.MustCompile(`(?m)^-- oldest: (\d+)$`)

func migrations() ([]migration, error) {
	entries, err := migrationFiles.ReadDir("migrations") // in order of name
	if err != nil {
		return nil, err
	}
	list, oldest := make([]migration, len(entries)), 0
	for i, entry := range entries {
		sql, err := migrationFiles.ReadFile("migrations/" + entry.Name())
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(entry.Name(), fmt.Sprintf("%03d_", i)) {
			return nil, fmt.Errorf("migration %s is number %d of its folder", entry.Name(), i)
		}
		if line := oldestLine.FindSubmatch(sql); line != nil {
			if oldest, err = strconv.Atoi(string(line[1])); err != nil || oldest > i {
				return nil, fmt.Errorf("migration %s: %s", entry.Name(), line[0])
			}
		}
		list[i] = migration{strings.TrimSuffix(entry.Name(), ".sql"), string(sql), oldest}
	}
	return list, nil
}

// A SchemaVersionError says that a program and the database's schema do not
// fit. Versions are numbers of migrations, and count from 0.
type SchemaVersionError struct {
	// Schema is the schema's name.
	Schema string
	// Database is the version of the schema, -1 where there is none.
	Database int
	// Program is the version of this program: what it migrates to.
	Program int
	// Oldest is the version of the oldest program that can work on the schema.
	Oldest int
}

func (e *SchemaVersionError) Error() string {
	switch {
	case e.Database > e.Program:
		return fmt.Sprintf("the database's schema %q is at version %d, on which programs of version %d and later can work, and this program is of version %d: use a newer program",
			e.Schema, e.Database, e.Oldest, e.Program)
	case e.Database < 0:
		return fmt.Sprintf("the database has no schema %q, and this program needs its version %d: migrate it first", e.Schema, e.Program)
	}
	return fmt.Sprintf("the database's schema %q is at version %d and this program needs version %d: migrate it first", e.Schema, e.Database, e.Program)
}

// Migrate makes the schema, or brings it up to date, in one transaction, and
// leaves one that is up to date alone. Any number of processes may call it at
// once; one that is killed leaves nothing behind. A newer schema is left as it
// is where this program can work on it, and refused with a
// [*SchemaVersionError] where it cannot. Open and New call Migrate unless told
// otherwise; of the options only [WithSchema] counts.
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

// migrate checks the database's version and functions and, with apply, brings
// them to ours. Functions are this program's unless a newer one has been there:
// a newer program's serve this one too.
func migrate(ctx context.Context, conn *pgx.Conn, schema *schemaName, apply bool) error {
	// A payload holds any text. Other encodings cannot, and fail with the first
	// letter that they lack. A pooler may say nothing.
	if encoding := conn.PgConn().ParameterStatus("server_encoding"); encoding != "" && encoding != "UTF8" {
		return fmt.Errorf("the database %q has the encoding %s, which cannot hold every payload: use a database that was created with ENCODING 'UTF8' TEMPLATE template0",
			conn.Config().Database, encoding)
	}
	list, err := migrations()
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	functions, err := functionsScript()
	if err != nil {
		return fmt.Errorf("read functions: %w", err)
	}
	state, err := readSchemaState(ctx, conn, schema)
	if err != nil {
		return fmt.Errorf("read the version of schema %q: %w", schema.name, err)
	}
	want := len(list) - 1
	if apply && !state.current(want, digest(functions), schema.name) {
		state, err = applyMigrations(ctx, conn, schema, list, functions, state)
		if err != nil {
			return fmt.Errorf("migrate schema %q: %w", schema.name, err)
		}
	}
	if state.version < want || state.oldest > want {
		return &SchemaVersionError{Schema: schema.name, Database: state.version, Program: want, Oldest: state.oldest}
	}
	if state.names != "" && state.names != schema.name {
		return fmt.Errorf("schema %q was renamed: its functions name schema %q; migrate it first, with a program of version %d", schema.name, state.names, state.version)
	}
	return nil
}

// A schemaState is what has been done to a schema.
type schemaState struct {
	version   int    // the last migration applied, or -1
	oldest    int    // the version of the oldest program that can work on what it left
	functions string // the digest of the functions
	names     string // the schema that the functions name
}

// current reports whether a program of that version has nothing to apply.
func (s schemaState) current(version int, functions, schema string) bool {
	return s.version > version || s.version == version && s.functions == functions && s.names == schema
}

func readSchemaState(ctx context.Context, conn *pgx.Conn, schema *schemaName) (s schemaState, err error) {
	err = conn.QueryRow(ctx, schema.apply("SELECT version, max(oldest) OVER (), functions, names FROM jobgen.migration ORDER BY version DESC LIMIT 1"),
		pgx.QueryExecModeSimpleProtocol).Scan(&s.version, &s.oldest, &s.functions, &s.names)
	if state := sqlState(err); state == noSuchTable || state == noSuchSchema {
		return schemaState{version: -1, oldest: -1}, nil
	}
	return s, err
}

// applyMigrations applies what is missing, and all functions, and returns the
// state after that. A role that may not replace functions, as those that only
// work on the schema may not, leaves a schema of this version as it is.
func applyMigrations(ctx context.Context, conn *pgx.Conn, schema *schemaName, list []migration, functions string, seen schemaState) (state schemaState, err error) {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite})
	if err != nil {
		return state, err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // of no effect after Commit
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", pgx.QueryExecModeSimpleProtocol, "jobgen migration of "+schema.name); err != nil {
		return state, err
	}
	// Read in a statement of its own: whoever had the lock may have done it.
	var hasSchema, hasTable bool
	err = tx.QueryRow(ctx, schema.apply("SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1), to_regclass('jobgen.migration') IS NOT NULL"),
		pgx.QueryExecModeSimpleProtocol, schema.name).Scan(&hasSchema, &hasTable)
	if err != nil {
		return state, err
	}
	state = schemaState{version: -1, oldest: -1}
	if hasTable {
		if state, err = readSchemaState(ctx, conn, schema); err != nil {
			return state, err
		}
	}
	last := len(list) - 1
	if state.current(last, digest(functions), schema.name) {
		return state, nil
	}
	fresh := state.version < 0
	for version := state.version + 1; version <= last; version++ {
		if err := applyMigration(ctx, tx, schema, version, list[version], hasSchema); err != nil {
			return state, fmt.Errorf("%s: %w", list[version].name, err)
		}
		state.version, state.oldest = version, list[version].oldest
	}
	if err := applyFunctions(ctx, tx, schema, last, functions); err != nil {
		if sqlState(err) == notPermitted && seen.version == last {
			return seen, nil
		}
		return state, err
	}
	state.functions, state.names = digest(functions), schema.name
	if fresh {
		// Partitions are best made while there is nothing in the default one.
		if _, err := tx.Exec(ctx, schema.apply("SELECT jobgen.upkeep(0)"), pgx.QueryExecModeSimpleProtocol); err != nil {
			return state, fmt.Errorf("make the first partitions: %w", err)
		}
	}
	return state, tx.Commit(ctx)
}

func applyMigration(ctx context.Context, tx pgx.Tx, schema *schemaName, version int, m migration, hasSchema bool) error {
	sql := schema.apply(m.sql)
	if create, rest, _ := strings.Cut(sql, "\n"); version == 0 {
		// Where the schema is there, the right to make one is not needed.
		if sql = rest; !hasSchema {
			sql = strings.Replace(create, " "+defaultSchema+";", " "+schema.quoted()+";", 1) + rest
		}
	}
	if _, err := tx.Conn().PgConn().Exec(ctx, sql).ReadAll(); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, schema.apply("INSERT INTO jobgen.migration (version, name, oldest) VALUES ($1, $2, $3)"),
		pgx.QueryExecModeSimpleProtocol, version, m.name, m.oldest)
	return err
}
