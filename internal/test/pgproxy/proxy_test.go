package pgproxy_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/jobgen/jobgen/internal/test/leak"
	"github.com/jobgen/jobgen/internal/test/pgproxy"
	"github.com/jobgen/jobgen/internal/test/pgtest"
)

func TestMain(m *testing.M) { leak.Main(m) }

// limit is how long a test waits for what should come soon.
const limit = 20 * time.Second

// start returns a proxy before a database, its URL, and one past it.
func start(t *testing.T) (proxy *pgproxy.Proxy, dsn string, direct *pgx.Conn) {
	t.Helper()
	straight := pgtest.DSN(t)
	proxy, dsn, err := pgproxy.StartFor(straight)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	direct = connect(t, straight)
	run(t, direct, "CREATE TABLE n (v int)")
	return proxy, dsn, direct
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		conn.Close(ctx)
	})
	return conn
}

func run(t *testing.T, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, conn *pgx.Conn) (n int) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM n").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// silent holds that a statement gets no answer for a while.
func silent(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := conn.Exec(ctx, sql); !errors.Is(err, context.DeadlineExceeded) && !pgconn.Timeout(err) {
		t.Errorf("%s: %v, want no answer", sql, err)
	}
}

func TestMessagesOfAnySizePassUnchanged(t *testing.T) {
	t.Parallel()
	_, dsn, _ := start(t)
	for _, mode := range []string{"prefer", "disable"} {
		conn := connect(t, strings.Replace(dsn, "sslmode=disable", "sslmode="+mode, 1))
		for _, size := range []int{0, 1, 64<<10 - 5, 64 << 10, 5 << 20} {
			want := bytes.Repeat([]byte("x"), size)
			var have []byte
			if err := conn.QueryRow(t.Context(), "SELECT $1::bytea", want).Scan(&have); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(have, want) {
				t.Errorf("%d bytes have come back as %d others", size, len(have))
			}
		}
	}
}

func TestAStatementIsCancelledThroughTheProxy(t *testing.T) {
	t.Parallel()
	_, dsn, direct := start(t)
	conn := connect(t, dsn)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cancelled := make(chan error, 1)
	go func() {
		const running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND datname = current_database()"
		for n := 0; n == 0; {
			if err := direct.QueryRow(ctx, running).Scan(&n); err != nil {
				cancelled <- err
				return
			}
		}
		cancelled <- conn.PgConn().CancelRequest(ctx)
	}()
	_, err := conn.Exec(ctx, "SELECT pg_sleep(20)")
	if pgErr := (*pgconn.PgError)(nil); !errors.As(err, &pgErr) || pgErr.Code != "57014" {
		t.Errorf("the error is %v, want query_canceled", err)
	}
	if err := <-cancelled; err != nil {
		t.Error(err)
	}
}

func TestResetEndsConnectionsAndLaterOnesWork(t *testing.T) {
	t.Parallel()
	proxy, dsn, _ := start(t)
	conn := connect(t, dsn)
	run(t, conn, "SELECT 1")
	if n := proxy.Accepted(); n != 1 {
		t.Errorf("%d connections were accepted, want 1", n)
	}
	if n := proxy.Reset(pgproxy.All); n != 1 {
		t.Errorf("%d connections were reset, want 1", n)
	}
	if _, err := conn.Exec(t.Context(), "SELECT 1"); err == nil {
		t.Error("a connection works that was reset")
	}
	run(t, connect(t, dsn), "SELECT 1")
}

func TestDelayMakesMessagesSlow(t *testing.T) {
	t.Parallel()
	proxy, dsn, _ := start(t)
	conn := connect(t, dsn)
	end := proxy.Delay(pgproxy.All, 100*time.Millisecond)
	begin := time.Now()
	run(t, conn, "SELECT 1", pgx.QueryExecModeSimpleProtocol)
	if d := time.Since(begin); d < 200*time.Millisecond {
		t.Errorf("a round trip took %v, want the delay there and back", d)
	}
	end()
}

func TestWhatIsHeldArrivesOnceItIsReleased(t *testing.T) {
	t.Parallel()
	for name, directions := range map[string][]pgproxy.Direction{
		"there": {pgproxy.ToServer}, "back": {pgproxy.ToClient}, "both": {pgproxy.ToServer, pgproxy.ToClient},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy, dsn, direct := start(t)
			conn := connect(t, dsn)
			run(t, conn, "INSERT INTO n VALUES (1)")
			release := proxy.Hold(pgproxy.All, directions...)
			done := make(chan error, 1)
			go func() {
				_, err := conn.Exec(t.Context(), "INSERT INTO n VALUES (1)")
				done <- err
			}()
			want := 1
			if name == "back" {
				want = 2
			}
			deadline := time.After(limit)
			for count(t, direct) < want {
				select {
				case <-deadline:
					t.Fatal("the statement has not arrived")
				case <-time.After(time.Millisecond):
				}
			}
			select {
			case err := <-done:
				t.Errorf("an answer came: %v", err)
			case <-time.After(100 * time.Millisecond):
			}
			if n := count(t, direct); n != want {
				t.Errorf("%d rows while it is held, want %d", n, want)
			}
			release()
			if err := <-done; err != nil {
				t.Error(err)
			}
			if n := count(t, direct); n != 2 {
				t.Errorf("%d rows after it is released, want 2", n)
			}
		})
	}
}

func TestAHalfOpenConnectionStaysSilentAndOthersWork(t *testing.T) {
	t.Parallel()
	proxy, dsn, direct := start(t)
	conn := connect(t, dsn)
	run(t, conn, "SELECT 1")
	if n := proxy.HalfOpen(pgproxy.All); n != 1 {
		t.Errorf("%d connections are half open, want 1", n)
	}
	run(t, connect(t, dsn), "INSERT INTO n VALUES (1)")
	silent(t, conn, "INSERT INTO n VALUES (1)")
	if n := count(t, direct); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
}

func TestTheListeningConnectionIsToldApart(t *testing.T) {
	t.Parallel()
	proxy, dsn, _ := start(t)
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeSimpleProtocol, pgx.QueryExecModeExec, pgx.QueryExecModeCacheStatement} {
		conn, working := connect(t, dsn), connect(t, dsn)
		run(t, conn, "listen channel", mode)
		run(t, working, "SELECT 'LISTEN channel'", mode)
		if n := proxy.Reset(pgproxy.Listening); n != 1 {
			t.Errorf("%v: %d connections were reset, want 1", mode, n)
		}
		run(t, working, "SELECT 1")
		if _, err := conn.Exec(t.Context(), "SELECT 1"); err == nil {
			t.Errorf("%v: the listening connection works on", mode)
		}
		proxy.Reset(pgproxy.All)
	}
}

func TestALostReplyIsOfACommittedStatement(t *testing.T) {
	t.Parallel()
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeSimpleProtocol, pgx.QueryExecModeExec, pgx.QueryExecModeCacheStatement} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			proxy, dsn, direct := start(t)
			stop := proxy.Cut(pgproxy.Cut{Statement: "INSERT INTO n", Every: 3, Times: 1})
			conn := connect(t, dsn)
			for i := range 2 {
				run(t, conn, "SELECT 1", mode)
				run(t, conn, "INSERT INTO n VALUES (1)", mode)
				if have := count(t, direct); have != i+1 {
					t.Errorf("%d rows, want %d", have, i+1)
				}
			}
			if _, err := conn.Exec(t.Context(), "INSERT INTO n VALUES (1)", mode); err == nil {
				t.Error("the third statement was answered")
			}
			if n := count(t, direct); n != 3 {
				t.Errorf("%d rows, want 3", n)
			}
			run(t, connect(t, dsn), "INSERT INTO n VALUES (1)", mode)
			if n := stop(); n != 1 {
				t.Errorf("%d connections were cut, want 1", n)
			}
		})
	}
}

func TestACommitMayBeTheStatement(t *testing.T) {
	t.Parallel()
	proxy, dsn, direct := start(t)
	proxy.Cut(pgproxy.Cut{Statement: "commit"})
	tx, err := connect(t, dsn).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "INSERT INTO n VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err == nil {
		t.Error("the commit was answered")
	}
	if n := count(t, direct); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
}

func TestAConnectionIsCutAfterItsReply(t *testing.T) {
	t.Parallel()
	proxy, dsn, _ := start(t)
	proxy.Cut(pgproxy.Cut{Reply: true, Every: 2})
	conn := connect(t, dsn)
	run(t, conn, "SELECT 1", pgx.QueryExecModeSimpleProtocol)
	run(t, conn, "SELECT 1", pgx.QueryExecModeSimpleProtocol)
	if _, err := conn.Exec(t.Context(), "SELECT 1", pgx.QueryExecModeSimpleProtocol); err == nil {
		t.Error("a connection works that was cut")
	}
}

func TestAfterAnErrorRepliesBelongToTheirStatements(t *testing.T) {
	t.Parallel()
	proxy, dsn, direct := start(t)
	conn := connect(t, dsn)
	batch := &pgx.Batch{}
	batch.Queue("INSERT INTO n VALUES (1)")
	batch.Queue("INSERT INTO n VALUES (1/0)")
	batch.Queue("INSERT INTO n VALUES (3)")
	if err := conn.SendBatch(t.Context(), batch).Close(); err == nil {
		t.Fatal("a division by zero succeeded")
	}
	proxy.Cut(pgproxy.Cut{Statement: "VALUES (3)"})
	run(t, conn, "INSERT INTO n VALUES (4)")
	if _, err := conn.Exec(t.Context(), "INSERT INTO n VALUES (3)"); err == nil {
		t.Error("the statement was answered")
	}
	if n := count(t, direct); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
}

func TestSessionsAreCountedByApplication(t *testing.T) {
	t.Parallel()
	proxy, dsn, _ := start(t)
	for range 2 {
		connect(t, dsn+"&application_name=one")
	}
	connect(t, dsn+"&application_name=other")
	connect(t, dsn)
	for name, want := range map[string]int64{"one": 2, "other": 1, "": 1, "nobody": 0} {
		if n := proxy.Started(name); n != want {
			t.Errorf("%d sessions of %q, want %d", n, name, want)
		}
		if n := proxy.Ready(name); n != want {
			t.Errorf("%d sessions of %q became ready, want %d", n, name, want)
		}
	}
	if _, err := pgx.Connect(t.Context(), dsn+"&application_name=refused&database=nowhere"); err == nil {
		t.Fatal("a database that does not exist was connected to")
	}
	if started, ready := proxy.Started("refused"), proxy.Ready("refused"); started != 1 || ready != 0 {
		t.Errorf("%d refused sessions of which %d became ready, want 1 and 0", started, ready)
	}
}

func TestRedirectSendsClientsToAnotherServer(t *testing.T) {
	t.Parallel()
	proxy, dsn, direct := start(t)
	conn := connect(t, dsn)
	server, err := pgproxy.Start(direct.Config().Host + ":1") // nobody is there
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	proxy.Redirect(server.Addr())
	if _, err := conn.Exec(t.Context(), "SELECT 1"); err == nil {
		t.Error("the former connection works on")
	}
	if again, err := pgx.Connect(t.Context(), dsn); err == nil {
		t.Error("there is an answer where there is no server")
		again.Close(t.Context())
	}
}
