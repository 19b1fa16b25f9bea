package pgtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// patience bounds what has to be done when a test's context is over.
const patience = 30 * time.Second

// shared is the server of this process, started by the first test to need it.
var shared = sync.OnceValues(func() (*Server, error) {
	return Start(context.Background())
})

func sharedServer(t testing.TB) *Server {
	t.Helper()
	server, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// DSN makes an empty database and returns its URL. The database is dropped
// when the test is over, with whatever is still connected to it. Any number
// of tests may call it at once.
func DSN(t testing.TB) string {
	t.Helper()
	return sharedServer(t).lend(t, "template0")
}

// lend makes a database for the length of a test.
func (s *Server) lend(t testing.TB, template string) string {
	t.Helper()
	dsn, err := s.create(t.Context(), template)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Drop(ctx, dsn); err != nil {
			t.Error(err)
		}
	})
	return dsn
}

// A Template is a database that is prepared once and copied for each test, a
// migrated schema for example. Make it with [NewTemplate], as a package
// variable; its methods may be called at once.
type Template struct {
	prepare func(ctx context.Context, dsn string) error
	name    func() (string, error)
}

// NewTemplate returns a template that prepare will fill when a test first
// needs it. Prepare must close its connections, or no copy can be made.
func NewTemplate(prepare func(ctx context.Context, dsn string) error) *Template {
	return &Template{prepare: prepare, name: sync.OnceValues(func() (string, error) {
		server, err := shared()
		if err != nil {
			return "", err
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		dsn, err := server.Create(ctx)
		if err != nil {
			return "", err
		}
		if err := prepare(ctx, dsn); err != nil {
			return "", errors.Join(fmt.Errorf("prepare a template database: %w", err), server.Drop(ctx, dsn))
		}
		return databaseName(dsn)
	})}
}

// DSN returns the URL of a new copy, which is dropped as that of [DSN] is. On
// a server that this process did not start nothing may outlast the tests, and
// no test knows that it is the last: there each database is prepared by itself.
func (p *Template) DSN(t testing.TB) string {
	t.Helper()
	server := sharedServer(t)
	if !server.started() {
		dsn := DSN(t)
		if err := p.prepare(t.Context(), dsn); err != nil {
			t.Fatalf("prepare a database: %v", err)
		}
		return dsn
	}
	name, err := p.name()
	if err != nil {
		t.Fatal(err)
	}
	return server.lend(t, name)
}

// TerminateBackends breaks every connection to the database of dsn, as an
// administrator or a failover would, and returns how many there were. When it
// returns they are gone, but clients may be connecting again.
func TerminateBackends(t testing.TB, dsn string) int {
	t.Helper()
	n, err := sharedServer(t).TerminateBackends(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
