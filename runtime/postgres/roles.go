package postgres

import (
	"context"
	_ "embed"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed roles.sql
var rolesScript string

// roleNames are what the names of a schema's roles end in, after the prefix
// that the user chose.
var roleNames = []string{"owner", "migrate", "enqueue", "work", "read", "admin"}

// RoleScript returns the SQL that makes the roles of a schema and says what
// each may do, for an administrator to read and to run. The roles are called
// prefix + "owner", "migrate", "enqueue", "work", "read" and "admin"; roles are
// the server's, so two applications need two prefixes.
//
// The script is run before the first migration and after each, and may be run
// at any time: it changes only what differs. Of the options only [WithSchema]
// counts; the schema "public", which belongs to others as well, is refused.
func RoleScript(prefix string, opts ...Option) (string, error) {
	o, err := newOptions(opts)
	if err == nil {
		err = checkPrefix(prefix)
	}
	if err == nil && o.schema == "public" {
		err = fmt.Errorf("the schema %q belongs to others as well: roles need a schema of their own", o.schema)
	}
	if err != nil {
		return "", fmt.Errorf("roles: %w", err)
	}
	// Neither name holds a quote, so both can stand in strings as they are.
	quoted := quote(o.schema)
	return strings.NewReplacer(
		`"`+defaultSchema+`"`, quoted,
		`'`+defaultSchema+`_`, `'`+prefix,
		`"`+defaultSchema+`_`, strings.TrimSuffix(quote(prefix), `"`),
	).Replace(rolesScript), nil
}

func checkPrefix(prefix string) error {
	if err := checkIdentifier("the prefix of the roles", prefix); err != nil {
		return err
	}
	for _, name := range roleNames {
		if n := len(prefix + name); n > maxIdentifier {
			return fmt.Errorf("the role's name %q has %d bytes, more than the %d that PostgreSQL keeps", prefix+name, n, maxIdentifier)
		}
	}
	return nil
}

// ApplyRoles runs what [RoleScript] returns on the database at dsn, in one
// transaction. The role in dsn is an administrator: a superuser, or one with
// CREATEROLE that may create in the database; after a migration it may be
// prefix + "migrate".
func ApplyRoles(ctx context.Context, dsn, prefix string, opts ...Option) error {
	script, err := RoleScript(prefix, opts...)
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("roles: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.PgConn().Exec(ctx, script).ReadAll(); err != nil {
		return fmt.Errorf("roles %q…: %w", prefix, err)
	}
	return nil
}
