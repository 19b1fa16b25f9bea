package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"strings"
	"time"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// A migration is one file of the folder. Versions count from 1.
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
		text, err := migrationFiles.ReadFile("migrations/" + entry.Name())
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(entry.Name(), fmt.Sprintf("%03d_", i+1)) {
			return nil, fmt.Errorf("migration %s is number %d of its folder", entry.Name(), i+1)
		}
		list[i] = migration{strings.TrimSuffix(entry.Name(), ".sql"), string(text)}
	}
	return list, nil
}

// migrate brings the tables up to date, in one transaction that keeps other
// processes out. A file that is newer than this program is refused.
func migrate(ctx context.Context, db *sql.DB, now time.Time) error {
	list, err := migrations()
	if err != nil {
		return err
	}
	have, err := version(ctx, db)
	if err == nil && have == len(list) {
		return nil
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // of no effect after Commit
	if have, err = version(ctx, tx); err != nil {
		return err
	}
	if have > len(list) {
		return fmt.Errorf("its tables are at version %d and this program knows versions up to %d: use a newer program", have, len(list))
	}
	for i := have; i < len(list); i++ {
		if _, err := tx.ExecContext(ctx, list[i].sql); err != nil {
			return fmt.Errorf("migration %s: %w", list[i].name, err)
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO jobgen_migration (version, name, applied) VALUES (?, ?, ?)", i+1, list[i].name, now.UnixMicro())
		if err != nil {
			return fmt.Errorf("migration %s: %w", list[i].name, err)
		}
	}
	return tx.Commit()
}

// version is the last migration applied, or 0. The file's user_version is the
// application's own.
func version(ctx context.Context, db interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
},
) (have int, err error) {
	var tables int
	err = db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'jobgen_migration'").Scan(&tables)
	if err != nil || tables == 0 {
		return 0, err
	}
	err = db.QueryRowContext(ctx, "SELECT coalesce(max(version), 0) FROM jobgen_migration").Scan(&have)
	return have, err
}
