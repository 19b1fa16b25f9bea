package postgres

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed functions/*.sql
var functionFiles embed.FS

// functionsScript is every function's file, each of which makes the function or
// replaces it. They are checked when they are first called, not here, since they
// call each other in any order.
func functionsScript() (string, error) {
	entries, err := functionFiles.ReadDir("functions") // in order of name
	if err != nil {
		return "", err
	}
	var script strings.Builder
	script.WriteString("SET LOCAL check_function_bodies = off;\n")
	for _, entry := range entries {
		sql, err := functionFiles.ReadFile("functions/" + entry.Name())
		if err != nil {
			return "", err
		}
		script.Write(sql)
	}
	return script.String(), nil
}

// digest says whether two programs have the same functions.
func digest(script string) string {
	sum := sha256.Sum256([]byte(script))
	return hex.EncodeToString(sum[:])
}

// applyFunctions makes the functions those of this program, all of them, and
// takes down that it has.
func applyFunctions(ctx context.Context, tx pgx.Tx, schema *schemaName, version int, script string) error {
	if _, err := tx.Conn().PgConn().Exec(ctx, schema.apply(script)).ReadAll(); err != nil {
		return fmt.Errorf("functions: %w", err)
	}
	_, err := tx.Exec(ctx, schema.apply("UPDATE jobgen.migration SET functions = $1, names = $2 WHERE version = $3"),
		pgx.QueryExecModeSimpleProtocol, digest(script), schema.name, version)
	if err != nil {
		return fmt.Errorf("functions: %w", err)
	}
	return nil
}
