package postgres_test

import (
	"strings"
	"testing"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime/postgres"
)

func TestEachStoreHasANodeNumberOfItsOwn(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	seen := make(map[int16]bool)
	for range 5 {
		node := open(t, dsn).Node()
		if seen[node] {
			t.Errorf("node number %d is leased twice", node)
		}
		seen[node] = true
	}
}

func TestANodeNumberComesBackWithClose(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	conn := connect(t, dsn)
	const leased = "SELECT count(*) FROM jobgen.node WHERE expires > clock_timestamp()"
	if n := query[int](t, conn, leased); n != 1 {
		t.Errorf("%d numbers are leased, want 1", n)
	}
	store.Close()
	if n := query[int](t, conn, leased); n != 0 {
		t.Errorf("%d numbers are leased after Close", n)
	}
}

func TestWithAllNodeNumbersLeasedOpenSaysSo(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	if err := postgres.Migrate(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	exec(t, connect(t, dsn), "UPDATE jobgen.node SET expires = clock_timestamp() + interval '1 hour'")
	_, err := postgres.Open(t.Context(), dsn, catalogue)
	if err == nil || !strings.Contains(err.Error(), "all 1024 snowflake node numbers are leased") {
		t.Errorf("open: %v", err)
	}
}

func TestALeaseThatRanOutIsReplacedBeforeAnIDIsMinted(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	before := store.Node()
	store.LoseLease()
	add(t, store, 1)
	if store.Node() == before {
		t.Errorf("the store went on under node number %d, which another process may have", before)
	}
}
