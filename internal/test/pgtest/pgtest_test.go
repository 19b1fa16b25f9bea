package pgtest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/jobgen/jobgen/internal/test/pgtest"
)

// childVariable makes this test binary a process that has a server and waits
// to be killed.
const childVariable = "JOBGEN_PGTEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		child()
		return
	}
	os.Exit(m.Run())
}

var people = pgtest.NewTemplate(func(ctx context.Context, dsn string) error {
	prepared.Add(1)
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE TABLE person (name text); INSERT INTO person VALUES ('Ada')")
	return errors.Join(err, conn.Close(ctx))
})

var prepared atomic.Int64

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func one[T any](t *testing.T, conn *pgx.Conn, sql string) T {
	t.Helper()
	var v T
	if err := conn.QueryRow(t.Context(), sql).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestEachTestHasADatabaseOfItsOwnWhichIsDroppedAfterwards(t *testing.T) {
	t.Parallel()
	mine := connect(t, pgtest.DSN(t))
	if _, err := mine.Exec(t.Context(), "CREATE TABLE person (name text)"); err != nil {
		t.Fatal(err)
	}
	var name string
	t.Run("inner", func(t *testing.T) {
		conn := connect(t, pgtest.DSN(t))
		name = one[string](t, conn, "SELECT current_database()")
		if n := one[int](t, conn, "SELECT count(*) FROM pg_class WHERE relname = 'person'"); n != 0 {
			t.Error("a table of another test's is seen")
		}
		connect(t, conn.Config().ConnString()) // open while the database is dropped
	})
	if n := one[int](t, mine, "SELECT count(*) FROM pg_database WHERE datname = '"+name+"'"); n != 0 {
		t.Errorf("database %s has outlasted its test", name)
	}
}

func TestATemplateIsPreparedOnceAndItsCopiesAreApart(t *testing.T) {
	t.Parallel()
	for i := range 8 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			conn := connect(t, people.DSN(t))
			if _, err := conn.Exec(t.Context(), "INSERT INTO person VALUES ('Grace')"); err != nil {
				t.Fatal(err)
			}
			if n := one[int](t, conn, "SELECT count(*) FROM person"); n != 2 {
				t.Errorf("%d people, want the template's one and this test's one", n)
			}
			if n := prepared.Load(); n != 1 && os.Getenv("JOBGEN_TEST_DATABASE_URL") == "" {
				t.Errorf("prepared %d times, want once", n)
			}
		})
	}
}

func TestTerminateBackendsBreaksTheConnectionsOfOneDatabase(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	first, second, other := connect(t, dsn), connect(t, dsn), connect(t, pgtest.DSN(t))
	if n := pgtest.TerminateBackends(t, dsn); n != 2 {
		t.Errorf("%d backends terminated, want 2", n)
	}
	for _, conn := range []*pgx.Conn{first, second} {
		if err := conn.Ping(t.Context()); err == nil {
			t.Error("a connection to the database has outlasted its backend")
		}
	}
	if err := other.Ping(t.Context()); err != nil {
		t.Errorf("a connection to another database was hit: %v", err)
	}
}

func TestAServerAndItsFilesAreGoneAfterItsProcessWasKilled(t *testing.T) {
	t.Parallel()
	dir, pid, kill := startChild(t)
	kill()
	awaitGone(t, dir, pid)
}

func TestStopRemovesAServerAndItsFiles(t *testing.T) {
	t.Setenv("JOBGEN_TEST_DATABASE_URL", "")
	server, err := pgtest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir, pid, err := locate(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}
	if _, err := server.Create(t.Context()); err == nil {
		t.Error("a database was made on a server that is stopped")
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("folder %s is still there: %v", dir, err)
	}
	awaitGone(t, dir, pid)
}

func TestAServerThatCannotBeUsedIsNamed(t *testing.T) {
	t.Setenv("JOBGEN_TEST_DATABASE_URL", "postgres://127.0.0.1:1/none?sslmode=disable")
	_, err := pgtest.Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), "JOBGEN_TEST_DATABASE_URL") {
		t.Errorf("error %v, want one that names the variable", err)
	}
}

// child starts a server, says where it is, and waits to be killed.
func child() {
	server, err := pgtest.Start(context.Background())
	var dir string
	var pid int
	if err == nil {
		dir, pid, err = locate(context.Background(), server)
	}
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println(dir, pid)
	select {}
}

// locate returns a server's folder and process.
func locate(ctx context.Context, server *pgtest.Server) (dir string, pid int, err error) {
	dsn, err := server.Create(ctx)
	if err != nil {
		return "", 0, err
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return "", 0, err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, `SELECT current_setting('unix_socket_directories'),
		split_part(pg_read_file('postmaster.pid'), E'\n', 1)::int`).Scan(&dir, &pid)
	return dir, pid, err
}

func startChild(t *testing.T) (dir string, pid int, kill func()) {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), childVariable+"=1", "JOBGEN_TEST_DATABASE_URL=")
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		command.Process.Signal(syscall.SIGKILL)
		command.Wait()
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if _, scanErr := fmt.Sscan(line, &dir, &pid); err != nil || scanErr != nil {
		kill()
		t.Fatalf("the child says %q: %v", line, errors.Join(err, scanErr))
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("before: %v", err)
	}
	return dir, pid, kill
}

func awaitGone(t *testing.T, dir string, pid int) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for {
		_, dirErr := os.Stat(dir)
		pidErr := syscall.Kill(pid, 0)
		if errors.Is(dirErr, os.ErrNotExist) && errors.Is(pidErr, syscall.ESRCH) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("after 30 s: folder %s: %v; process %d: %v", dir, dirErr, pid, pidErr)
		}
	}
}

// BenchmarkDatabase makes databases as tests do, one after the other and as
// many at once as there are processors. Dropping them is not in the figure.
func BenchmarkDatabase(b *testing.B) {
	makes := map[string]func(testing.TB) string{"Empty": pgtest.DSN, "FromTemplate": people.DSN}
	for name, dsn := range makes {
		dsn(b)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				dsn(b)
			}
		})
		b.Run(name+"AtOnce", func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					dsn(b)
				}
			})
		})
	}
}
