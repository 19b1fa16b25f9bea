package pgtest_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/jobgen/jobgen/internal/test/pgtest"
)

func TestAClusterKeepsItsDataAndSettingsThroughACrash(t *testing.T) {
	t.Parallel()
	cluster := pgtest.NewCluster(t, "max_connections=17", "wal_segment_size=1MB", "application_name=two words")
	conn := connect(t, cluster.DSN())
	if n := one[string](t, conn, "SHOW max_connections"); n != "17" {
		t.Errorf("max_connections is %s, want 17", n)
	}
	if _, err := conn.Exec(t.Context(), "CREATE TABLE person (name text)"); err != nil {
		t.Fatal(err)
	}
	before, err := cluster.Processes()
	if err != nil || len(before) < 3 {
		t.Fatalf("processes %v, %v", before, err)
	}
	if err := cluster.Restart(t.Context(), "immediate"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "SELECT 1"); err == nil {
		t.Error("a connection has outlasted the server")
	}
	if err := cluster.Stop(t.Context(), "fast"); err != nil {
		t.Fatal(err)
	}
	if left, err := cluster.Processes(); err != nil || len(left) != 0 {
		t.Errorf("after it was stopped: %v, %v", left, err)
	}
	if err := cluster.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn = connect(t, cluster.DSN())
	if n := one[int](t, conn, "SELECT count(*) FROM person"); n != 0 {
		t.Errorf("%d rows, want 0", n)
	}
	if have := one[string](t, conn, "SHOW max_connections") + one[string](t, conn, "SHOW application_name") + one[string](t, conn, "SHOW wal_segment_size"); have != "17two words1MB" {
		t.Errorf("the settings are %q after all that", have)
	}
}

func TestAPromotedStandbyHasWhatThePrimaryHad(t *testing.T) {
	t.Parallel()
	primary := pgtest.NewCluster(t)
	standby := primary.Standby(t)
	conn := connect(t, primary.DSN())
	if _, err := conn.Exec(t.Context(), "ALTER SYSTEM SET synchronous_standby_names = '*'"); err != nil {
		t.Fatal(err)
	}
	if err := primary.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, conn, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'", 1)
	if _, err := conn.Exec(t.Context(), "CREATE TABLE person (name text)"); err != nil {
		t.Fatal(err)
	}
	if err := primary.Stop(t.Context(), "immediate"); err != nil {
		t.Fatal(err)
	}
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := connect(t, standby.DSN()).Exec(t.Context(), "INSERT INTO person VALUES ('Ada')"); err != nil {
		t.Error(err)
	}
}

// await asks until it gets that number.
func await(t *testing.T, conn *pgx.Conn, sql string, want int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); one[int](t, conn, sql) != want; {
		if time.Now().After(deadline) {
			t.Fatalf("%s is %d, want %d", sql, one[int](t, conn, sql), want)
		}
	}
}
