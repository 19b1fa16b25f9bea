package pgtest

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Standby starts a streaming replica of the server.
func (c *Cluster) Standby(t testing.TB, settings ...string) *Cluster {
	t.Helper()
	copied, err := c.backUp(t.Context())
	if err != nil {
		t.Fatalf("back up the server for a standby: %v", err)
	}
	return newCluster(t, layout{settings: settings, primary: c.DSN(), copied: copied})
}

// backUp copies the running server's files to where a standby can start from,
// by the server's own functions: pg_basebackup is not among the programs of
// servers that are fetched. All WAL since the backup began is streamed.
func (c *Cluster) backUp(ctx context.Context) (copied string, err error) {
	conn, err := pgx.Connect(ctx, c.DSN())
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // which ends a backup that was not finished
	if _, err := conn.Exec(ctx, "SELECT pg_backup_start('standby', true)"); err != nil {
		return "", err
	}
	data, copied := filepath.Join(c.process.dir, "data"), filepath.Join(c.process.dir, "backup")
	const files = `rm -rf "$2" && cp -R "$1" "$2" && cd "$2" && rm -f postmaster.pid postmaster.opts && find pg_wal -type f -exec rm -f {} + && touch standby.signal`
	if err := c.shell(ctx, "", files, data, copied); err != nil {
		return "", err
	}
	var label string
	if err := conn.QueryRow(ctx, "SELECT labelfile FROM pg_backup_stop()").Scan(&label); err != nil {
		return "", err
	}
	primary := fmt.Sprintf("primary_conninfo = '%s'\n", strings.ReplaceAll(c.DSN(), "'", "''"))
	if err := c.shell(ctx, label, `cat >"$1"`, filepath.Join(copied, "backup_label")); err != nil {
		return "", err
	}
	return copied, c.shell(ctx, primary, `cat >>"$1"`, filepath.Join(copied, "postgresql.auto.conf"))
}

// shell runs a script as the server's user.
func (c *Cluster) shell(ctx context.Context, input, script string, arguments ...string) error {
	command := c.Command(ctx, "sh", append([]string{"-c", script, "sh"}, arguments...)...)
	command.Stdin = strings.NewReader(input)
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", script, err, said)
	}
	return nil
}
