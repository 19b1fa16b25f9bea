package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// serverSettings are what a server of our own is started with; everything
// else, durability above all, is PostgreSQL's default.
var serverSettings = []string{
	"shared_buffers=1GB", "max_wal_size=8GB", "checkpoint_timeout=15min", "max_connections=700", "log_line_prefix=" + logPrefix,
}

// shown are the settings that the report names.
var shown = []string{
	"fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size", "checkpoint_timeout", "autovacuum", "jit",
}

// A server is the PostgreSQL that all peers are measured on.
type server struct {
	dsn   string
	admin *pgxpool.Pool
	pid   int // of a server on this machine, or 0
	stop  func() error
	made  int
	// logFile is where a server of our own writes its log.
	logFile string
}

// openServer connects to the server at dsn, or starts one, with further
// settings, where dsn is empty.
func openServer(ctx context.Context, dsn string, settings []string) (*server, error) {
	s := &server{dsn: dsn, stop: func() error { return nil }}
	if dsn == "" {
		if err := s.start(ctx, settings); err != nil {
			return nil, err
		}
	}
	admin, err := pgxpool.New(ctx, s.dsn)
	if err == nil {
		err = admin.Ping(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connect to the server: %w", err), s.stop())
	}
	s.admin = admin
	return s, nil
}

// start makes a cluster in a temporary folder and starts a server on it, which
// listens on a socket in that folder alone. PostgreSQL does not run as root;
// root lends it another user.
func (s *server) start(ctx context.Context, settings []string) error {
	bin, err := binaries()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "jobgen-bench-")
	if err != nil {
		return err
	}
	as := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Getuid() == 0 {
		uid, gid, err := lesserUser()
		if err == nil {
			err = os.Chown(dir, uid, gid)
		}
		if err != nil {
			return errors.Join(err, os.RemoveAll(dir))
		}
		as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	data := filepath.Join(dir, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C")
	initdb.SysProcAttr, initdb.Dir = as, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return errors.Join(fmt.Errorf("initdb: %w: %s", err, out), os.RemoveAll(dir))
	}
	args := []string{"-D", data, "-k", dir, "-c", "listen_addresses="}
	for _, setting := range slices.Concat(serverSettings, settings) {
		args = append(args, "-c", setting)
	}
	postgres := exec.Command(filepath.Join(bin, "postgres"), args...)
	postgres.SysProcAttr, postgres.Dir = as, dir
	s.logFile = filepath.Join(dir, "log")
	if postgres.Stderr, err = os.Create(s.logFile); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	if err := postgres.Start(); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	s.pid = postgres.Process.Pid
	s.stop = func() error {
		err := postgres.Process.Signal(syscall.SIGINT)
		_ = postgres.Wait() // it was told to go
		return errors.Join(err, os.RemoveAll(dir))
	}
	s.dsn = "postgres://postgres@/postgres?host=" + url.QueryEscape(dir)
	if err := s.await(ctx); err != nil {
		log, _ := os.ReadFile(s.logFile)
		return errors.Join(fmt.Errorf("start PostgreSQL: %w: %s", err, log), s.stop())
	}
	return nil
}

// await waits until the server answers.
func (s *server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.dsn)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// binaries finds the newest PostgreSQL on the machine.
func binaries() (string, error) {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			folders = append(folders, filepath.Dir(path))
		}
	}
	for i := len(folders) - 1; i >= 0; i-- {
		if _, err := os.Stat(filepath.Join(folders[i], "initdb")); err == nil {
			return folders[i], nil
		}
	}
	return "", errors.New("no PostgreSQL on this machine: put its bin folder on the PATH, or name a running server with -dsn")
}

func lesserUser() (uid, gid int, err error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, lookupErr := user.Lookup(name)
		if lookupErr != nil {
			err = lookupErr
			continue
		}
		if uid, err = strconv.Atoi(u.Uid); err == nil {
			gid, err = strconv.Atoi(u.Gid)
		}
		return uid, gid, err
	}
	return 0, 0, err
}

func (s *server) close() {
	s.admin.Close()
	_ = s.stop() // the figures are out; what remains is a temporary folder
}

// local reports whether the server's CPU time can be read.
func (s *server) local() bool { return s.pid != 0 }

func (s *server) cpu() time.Duration {
	if !s.local() {
		return 0
	}
	return treeCPU(s.pid)
}

// checkpoint has the server write out what it holds, where it may be asked to.
func (s *server) checkpoint(ctx context.Context) { _, _ = s.admin.Exec(ctx, "CHECKPOINT") }

// wal is how many bytes of WAL the server has written, 0 where it may not be
// asked.
func (s *server) wal(ctx context.Context) (n int64) {
	_ = s.admin.QueryRow(ctx, "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint").Scan(&n)
	return n
}

// vacuum vacuums and analyses a place's tables.
func (s *server) vacuum(ctx context.Context, at place) error {
	conn, err := s.connect(ctx, at)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "VACUUM (ANALYZE)")
	return errors.Join(err, conn.Close(ctx))
}

// connect opens a single connection to a place's database.
func (s *server) connect(ctx context.Context, at place) (*pgx.Conn, error) {
	config, err := pgxpool.ParseConfig(at.dsn) // which knows the pool's settings
	if err != nil {
		return nil, err
	}
	return pgx.ConnectConfig(ctx, config.ConnConfig)
}

// place makes a new database or folder, and returns what removes it again.
func (s *server) place(ctx context.Context, p peer) (place, func(), error) {
	if p.embedded {
		dir, err := os.MkdirTemp("", "jobgen-bench-")
		return place{dir: dir}, func() { _ = os.RemoveAll(dir) }, err
	}
	s.made++
	name := fmt.Sprintf("bench_%d_%d", os.Getpid(), s.made)
	if _, err := s.admin.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return place{}, nil, fmt.Errorf("make a database for %s: %w", p.name, err)
	}
	drop := func() {
		_, _ = s.admin.Exec(context.WithoutCancel(ctx), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	}
	dsn, err := withDatabase(s.dsn, name)
	if err != nil {
		drop()
		return place{}, nil, err
	}
	return place{dsn: dsn}, drop, nil
}

// withDatabase names another database in a URL or a key=value string. The pool
// holds enough connections for sixteen clients of any peer.
func withDatabase(dsn, name string) (string, error) {
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		return fmt.Sprintf("%s dbname=%s pool_max_conns=24", dsn, name), nil
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "", fmt.Errorf("-dsn: %w", err)
	}
	u.Path = "/" + name
	query := u.Query()
	query.Set("pool_max_conns", "24")
	u.RawQuery = query.Encode()
	return u.String(), nil
}

// withConns is the place's address for a pool of at most n connections.
func (p place) withConns(n int) (string, error) {
	u, err := url.Parse(p.dsn)
	if err != nil {
		return "", err
	}
	query := u.Query()
	query.Set("pool_max_conns", strconv.Itoa(n))
	u.RawQuery = query.Encode()
	return u.String(), nil
}

// describe returns the server's version and the settings that matter.
func (s *server) describe(ctx context.Context) (version, settings string, err error) {
	if err := s.admin.QueryRow(ctx, "SELECT 'PostgreSQL ' || current_setting('server_version')").Scan(&version); err != nil {
		return "", "", fmt.Errorf("describe the server: %w", err)
	}
	if s.local() {
		version += ", started for this run, on the same machine, over a Unix socket"
	}
	values := make([]string, len(shown))
	for i, name := range shown {
		if err := s.admin.QueryRow(ctx, "SELECT current_setting($1)", name).Scan(&values[i]); err != nil {
			return "", "", fmt.Errorf("describe the server: %w", err)
		}
		values[i] = name + "=" + values[i]
	}
	return version, strings.Join(values, " "), nil
}
