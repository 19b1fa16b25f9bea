package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// urlVariable names a server to be used instead of one of our own.
const urlVariable = "JOBGEN_TEST_DATABASE_URL"

// A Server is a PostgreSQL on which databases are made. Start returns it; its
// methods may be called at once.
type Server struct {
	dsn     string // of the database from which others are made
	prefix  string // of the names of databases, of this Server alone
	made    atomic.Int64
	process *process       // nil for a server that was there before
	turns   chan *pgx.Conn // one entry for each command that may be under way, nil where it has to connect
	stop    func() error   // is called once
}

// maxTurns is how many databases are made or dropped at once. More would not
// be quicker, and take connections from the tests.
const maxTurns = 4

// Start returns the server that JOBGEN_TEST_DATABASE_URL names, or starts one,
// see the package's documentation. Tests call [DSN] instead.
func Start(ctx context.Context) (*Server, error) {
	s := &Server{
		dsn: os.Getenv(urlVariable), prefix: "jobgen_" + strings.ToLower(rand.Text()[:12]),
		turns: make(chan *pgx.Conn, maxTurns),
	}
	for range maxTurns {
		s.turns <- nil
	}
	s.stop = sync.OnceValue(s.end)
	if s.dsn != "" {
		if err := s.run(ctx, func(*pgx.Conn) error { return nil }); err != nil {
			return nil, fmt.Errorf("use the server of %s: %w", urlVariable, err)
		}
		return s, nil
	}
	bin, err := binaries()
	if err == nil {
		s.process, err = startProcess(ctx, bin, layout{})
	}
	if err != nil {
		return nil, fmt.Errorf("no PostgreSQL for the tests: %w\n"+
			"Do one of these: set %s to the URL of a server, with a role that may create databases;\n"+
			"install PostgreSQL 15 or later (apt-get install postgresql, brew install postgresql);\n"+
			"let the tests download one from Maven Central, which HTTPS_PROXY may help with", err, urlVariable)
	}
	s.dsn = s.process.dsn
	return s, nil
}

// Stop stops a server that Start started, and removes its files. Other methods
// fail from then on; stopping twice is as once. It is for programs: tests leave
// it to the end of their process.
func (s *Server) Stop() error { return s.stop() }

func (s *Server) end() error {
	var err error
	for range maxTurns { // those under way come back first
		if conn := <-s.turns; conn != nil {
			err = errors.Join(err, conn.Close(context.Background()))
		}
	}
	close(s.turns)
	if s.process == nil {
		return err
	}
	return errors.Join(err, s.process.stop())
}

func (s *Server) started() bool { return s.process != nil }

// Create makes an empty database and returns its URL.
func (s *Server) Create(ctx context.Context) (dsn string, err error) {
	return s.create(ctx, "template0")
}

func (s *Server) create(ctx context.Context, template string) (dsn string, err error) {
	name := fmt.Sprintf("%s_%d", s.prefix, s.made.Add(1))
	if dsn, err = withDatabase(s.dsn, name); err != nil {
		return "", err
	}
	create := "CREATE DATABASE " + pgx.Identifier{name}.Sanitize() + " TEMPLATE " + pgx.Identifier{template}.Sanitize()
	if s.started() {
		// Copying files takes a quarter of the time of logging each page, but
		// two checkpoints: cheap only where nothing waits for the disk.
		create += " STRATEGY file_copy"
	}
	err = s.run(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, create)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("create database %s: %w", name, err)
	}
	return dsn, nil
}

// Drop drops the database of dsn, with whatever is connected to it.
func (s *Server) Drop(ctx context.Context, dsn string) error {
	name, err := databaseName(dsn)
	if err != nil {
		return err
	}
	err = s.run(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
		return err
	})
	if err != nil {
		return fmt.Errorf("drop database %s: %w", name, err)
	}
	return nil
}

// TerminateBackends breaks every connection to the database of dsn and returns
// how many there were. It waits until they are gone.
func (s *Server) TerminateBackends(ctx context.Context, dsn string) (n int, err error) {
	name, err := databaseName(dsn)
	if err != nil {
		return 0, err
	}
	err = s.run(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, $2))
			FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()`, name, patience.Milliseconds()).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("terminate the backends of database %s: %w", name, err)
	}
	return n, nil
}

var errStopped = errors.New("the server has been stopped")

// run calls f with a connection to the database that others are made from. On
// a server of our own it is kept for the next call, unless f has failed, since
// making one takes half as long as making a database.
func (s *Server) run(ctx context.Context, f func(*pgx.Conn) error) (err error) {
	var conn *pgx.Conn
	var ok bool
	select {
	case conn, ok = <-s.turns:
	case <-ctx.Done():
		return ctx.Err()
	}
	if !ok {
		return errStopped
	}
	defer func() {
		if conn != nil && (err != nil || !s.started()) {
			err = errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
			conn = nil
		}
		s.turns <- conn
	}()
	if conn == nil {
		if conn, err = pgx.Connect(ctx, s.dsn); err != nil {
			return err
		}
	}
	return f(conn)
}

// withDatabase names another database in a URL or a key=value string.
func withDatabase(dsn, name string) (string, error) {
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		return dsn + " dbname=" + name, nil // the last one counts
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "", fmt.Errorf("%s: %w", urlVariable, err)
	}
	u.Path = "/" + name
	query := u.Query()
	query.Del("dbname")
	query.Del("database")
	u.RawQuery = query.Encode()
	return u.String(), nil
}

func databaseName(dsn string) (string, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return "", err
	}
	return config.Database, nil
}
