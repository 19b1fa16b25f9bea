package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
	sqlitedriver "github.com/ncruces/go-sqlite3/driver"
)

// A file is the database's file, as connections to it are made.
type file struct {
	path string // absolute
	options
}

// locate checks what can be checked of a path before SQLite sees it.
func locate(path string, o options) (file, error) {
	switch {
	case path == "":
		return file{}, errors.New("the path is empty")
	case strings.HasPrefix(path, ":memory:"):
		return file{}, errors.New("a database in memory is lost with its connection and no other sees it; runtime/memory is the back end for that")
	case strings.HasPrefix(path, "file:"):
		return file{}, fmt.Errorf("%s is a URI; give the plain path of the file, and use options for the rest", path)
	case strings.ContainsRune(path, 0):
		return file{}, fmt.Errorf("the path %q holds a NUL character", path)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return file{}, err
	}
	if info, err := os.Stat(abs); err == nil && info.IsDir() {
		return file{}, fmt.Errorf("%s is a directory; give the path of a file in it", path)
	}
	dir := filepath.Dir(abs)
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return file{}, fmt.Errorf("the directory %s does not exist; create it first", dir)
	case err != nil:
		return file{}, err
	case !info.IsDir():
		return file{}, fmt.Errorf("%s is not a directory", dir)
	}
	return file{path: abs, options: o}, nil
}

// connector makes connections with more pragmas than those that all need. The
// mode is rw, or rwc where the file is made if need be.
func (f file) connector(mode string, pragmas ...string) (driver.Connector, error) {
	query := url.Values{"_txlock": {"immediate"}, "mode": {mode}}
	query["_pragma"] = append([]string{
		fmt.Sprintf("busy_timeout(%d)", f.busy.Milliseconds()), // first, for the others
		"foreign_keys(1)",
		"synchronous(" + f.synchronous + ")",
		"temp_store(MEMORY)",
		fmt.Sprintf("journal_size_limit(%d)", walLimit),
	}, append(pragmas, f.pragmas...)...)
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(f.path), RawQuery: query.Encode()}
	return (&sqlitedriver.SQLite{}).OpenConnector(dsn.String())
}

// walLimit is how many bytes the -wal file keeps once it has been emptied.
const walLimit = 64 << 20

// A carefulConnector makes connections to the file that the store has open. An
// empty file, made because the right one is away for the moment, would take the
// log of that one for its own remains and delete it.
type carefulConnector struct {
	driver.Connector
	create driver.Connector // until the store's files are known
	db     *database
}

func (c *carefulConnector) Connect(ctx context.Context) (driver.Conn, error) {
	if c.db.identity == nil {
		return c.create.Connect(ctx)
	}
	if err := c.db.identity.look(); err != nil {
		return nil, err
	}
	return c.Connector.Connect(ctx)
}

// connector makes careful connections.
func (d *database) connector(pragmas ...string) (driver.Connector, error) {
	create, err := d.file.connector("rwc", pragmas...)
	if err != nil {
		return nil, err
	}
	existing, err := d.file.connector("rw", pragmas...)
	return &carefulConnector{existing, create, d}, err
}

// pool is a pool of up to n connections that are kept.
func (d *database) pool(n int, pragmas ...string) (*sql.DB, error) {
	c, err := d.connector(pragmas...)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// prepare makes the file if need be, and sees to it that it can be written to
// by several connections at a time.
func (f file) prepare(ctx context.Context, db *sql.DB) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return f.explain(err)
	}
	defer conn.Close()
	// Changing the mode does not wait for others that do the same, whatever
	// the busy timeout says.
	var mode string
	for deadline := time.Now().Add(f.busy); ; {
		err := conn.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode)
		if err == nil {
			break
		}
		if !errors.Is(err, sqlite3.BUSY) || time.Now().After(deadline) {
			return f.explain(err)
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if !strings.EqualFold(mode, "wal") {
		return fmt.Errorf("%s stays in journal mode %s, but WAL is needed: its file system may not support shared memory", f.path, mode)
	}
	return conn.Raw(func(c any) error {
		if readOnly, _ := c.(sqlitedriver.Conn).Raw().ReadOnly("main"); readOnly {
			return fmt.Errorf("%s cannot be written to: see to the rights of the file and its directory", f.path)
		}
		return nil
	})
}

// explain says what to do about SQLite's error on opening the file.
func (f file) explain(err error) error {
	switch {
	case errors.Is(err, sqlite3.NOTADB):
		return fmt.Errorf("%s is not an SQLite database, and was left as it is: %w", f.path, err)
	case errors.Is(err, sqlite3.READONLY):
		return fmt.Errorf("%s cannot be written to: see to the rights of the file and its directory: %w", f.path, err)
	case errors.Is(err, sqlite3.CANTOPEN):
		return fmt.Errorf("%s cannot be opened: see to the rights of the file and of its directory, where %[1]s-wal and -shm are made: %w", f.path, err)
	case errors.Is(err, sqlite3.BUSY):
		return fmt.Errorf("%s has been locked by another process for %v: %w", f.path, f.busy, err)
	}
	return fmt.Errorf("%s: %w", f.path, err)
}
