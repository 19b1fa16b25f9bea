package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A Cluster is a server of one test's own, which that test may stop, kill and
// misconfigure. Its methods may be called at once, but not two that start or
// stop it.
type Cluster struct {
	process *process
}

// NewCluster starts a server with these settings, NAME=VALUE each, and stops
// it when the test is over. Even wal_segment_size can be set, in whole MB. It takes a second or two: [DSN] is for tests that
// break nothing. JOBGEN_TEST_DATABASE_URL does not matter to it.
func NewCluster(t testing.TB, settings ...string) *Cluster {
	t.Helper()
	return newCluster(t, layout{settings: settings})
}

func newCluster(t testing.TB, l layout) *Cluster {
	t.Helper()
	bin, err := binaries()
	if err != nil {
		t.Fatalf("no PostgreSQL for a server of the test's own: %v\n"+
			"install PostgreSQL 15 or later (apt-get install postgresql, brew install postgresql)", err)
	}
	p, err := startProcess(t.Context(), bin, l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	})
	return &Cluster{process: p}
}

// DSN is the URL of its database postgres, as the superuser.
func (c *Cluster) DSN() string { return c.process.dsn }

// Addr is the host and port that it listens on.
func (c *Cluster) Addr() string {
	u, err := url.Parse(c.process.dsn)
	if err != nil {
		return ""
	}
	return u.Host
}

// Stop stops the server in one of pg_ctl's modes: smart, fast, or immediate,
// which is a crash. It can be started again.
func (c *Cluster) Stop(ctx context.Context, mode string) error { return c.ctl(ctx, "stop", "-m", mode) }

// Start starts a stopped server with its former settings. It returns when the
// server accepts connections.
func (c *Cluster) Start(ctx context.Context) error {
	// What it was started with stands in a file; pg_ctl reads it to restart.
	return c.ctl(ctx, "restart", "-m", "immediate")
}

// Restart stops the server in one of pg_ctl's modes and starts it again.
func (c *Cluster) Restart(ctx context.Context, mode string) error {
	return c.ctl(ctx, "restart", "-m", mode)
}

// Promote makes a standby a primary. It returns when that is so.
func (c *Cluster) Promote(ctx context.Context) error { return c.ctl(ctx, "promote") }

// Reload makes the server read its settings, as after ALTER SYSTEM.
func (c *Cluster) Reload(ctx context.Context) error { return c.ctl(ctx, "reload") }

func (c *Cluster) ctl(ctx context.Context, words ...string) error {
	p := c.process
	arguments := append(words, "-D", filepath.Join(p.dir, "data"), "-w", "-t", "60", "-s")
	if words[0] == "restart" {
		arguments = append(arguments, "-l", filepath.Join(p.dir, "log"))
	}
	command := c.Command(ctx, filepath.Join(p.bin, "pg_ctl"), arguments...)
	// Not a pipe: the server would keep it open.
	said, err := os.CreateTemp("", "jobgen-pg_ctl-")
	if err != nil {
		return err
	}
	defer os.Remove(said.Name())
	defer said.Close()
	command.Stdout, command.Stderr = said, said
	if err := command.Run(); err != nil {
		text, _ := os.ReadFile(said.Name())
		return fmt.Errorf("%s the server: %w\n%s", words[0], err, text)
	}
	return nil
}

// Processes are the ids of the server's main process, which is the first, and
// of its children. A stopped server has none.
func (c *Cluster) Processes() ([]int, error) {
	file := filepath.Join(c.process.dir, "data", "postmaster.pid")
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		return nil, fmt.Errorf("%s says %q: %w", file, line, err)
	}
	out, err := exec.Command("ps", "-A", "-o", "pid=,ppid=").Output()
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	list := []int{pid}
	for row := range strings.Lines(string(out)) {
		var child, parent int
		if _, err := fmt.Sscan(row, &child, &parent); err == nil && parent == pid {
			list = append(list, child)
		}
	}
	return list, nil
}

// Command returns a command that will run as the server's user, which is not
// root, in a folder of the server's that it may write to.
func (c *Cluster) Command(ctx context.Context, name string, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, name, arguments...)
	command.SysProcAttr, command.Dir, command.Env = serverUser(), c.process.dir, environment()
	return command
}

func passwordOf(dsn string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", err
	}
	password, _ := u.User.Password()
	return password, nil
}
