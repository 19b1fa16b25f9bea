package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime/postgres"
)

func TestRolesAreMadeOnADatabase(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	late := context.WithoutCancel(t.Context())
	defer conn.Close(late)
	prefix := "cmd" + strings.ToLower(rand.Text())[:12] + "_" // roles are the server's, and not the database's
	defer func() {
		for _, name := range []string{"admin", "read", "work", "enqueue", "migrate", "owner"} {
			if _, err := conn.Exec(late, "DROP OWNED BY "+prefix+name+" CASCADE; DROP ROLE "+prefix+name); err != nil {
				t.Error(err)
			}
		}
	}()
	for range 2 { // before the first migration and after it
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), []string{"roles", "--prefix", prefix, "--postgres-schema", "shop", "--database", dsn}, &stdout, &stderr); code != exitDone || stdout.Len() > 0 {
			t.Fatalf("exit code %d, %s%s", code, &stdout, &stderr)
		}
		if err := postgres.Migrate(t.Context(), dsn, postgres.WithSchema("shop")); err != nil {
			t.Fatal(err)
		}
	}
	var works, reads bool
	err = conn.QueryRow(t.Context(), `SELECT has_function_privilege($1 || 'work', p.oid, 'EXECUTE'), has_column_privilege($1 || 'read', 'shop.job', 'payload', 'SELECT')
		FROM pg_proc p WHERE pronamespace = 'shop'::regnamespace AND proname = 'claim'`, prefix).Scan(&works, &reads)
	if err != nil || !works || reads {
		t.Errorf("work may claim: %t, read may see payloads: %t, error %v", works, reads, err)
	}
}
