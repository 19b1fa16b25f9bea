package pgtest

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

//go:embed watchdog.sh
var watchdog string

// A process is a server of our own and the shell that watches over it. The
// shell ends the server when the pipe closes: by stop, or because this process
// has ended. No goroutine waits for it, so that none is taken for leaked.
type process struct {
	bin      string
	dsn      string
	dir      string
	shell    *exec.Cmd
	lifeline *os.File
}

// running holds every process until it is stopped. One that its user forgets
// would else be collected, and its server end with the pipe's file.
var running sync.Map

// A layout is what a server is made of: its settings beside those of every
// test server, as NAME=VALUE, and the URL of the one that it is a standby of.
type layout struct {
	settings []string
	primary  string // of a standby
	copied   string // and the backup that it starts from
}

// startProcess makes a cluster and starts a server on it. Between finding a
// free port and using it somebody may take it, so it tries again.
func startProcess(ctx context.Context, bin string, l layout) (p *process, err error) {
	for range 5 {
		p, err = tryProcess(ctx, bin, l)
		if err == nil || !strings.Contains(err.Error(), "could not bind") {
			break
		}
	}
	return p, err
}

func tryProcess(ctx context.Context, bin string, l layout) (_ *process, err error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	password := rand.Text()
	if l.primary != "" {
		if password, err = passwordOf(l.primary); err != nil {
			return nil, err
		}
	}
	p := &process{bin: bin, dir: filepath.Join(serverFolder(), "jobgen-pg-"+strings.ToLower(rand.Text()[:12]))}
	p.dsn = (&url.URL{
		Scheme: "postgres", User: url.UserPassword("postgres", password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Path: "/postgres", RawQuery: "sslmode=disable",
	}).String()

	stdin, lifeline, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer stdin.Close()
	messages, messagesIn, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, lifeline.Close())
	}
	defer messages.Close()
	p.lifeline = lifeline
	p.shell = exec.Command("/bin/sh", append([]string{"-c", watchdog, "pgtest-watchdog", p.dir, bin, strconv.Itoa(port)}, l.settings...)...)
	p.shell.Stdin, p.shell.ExtraFiles = stdin, []*os.File{messagesIn}
	p.shell.Dir = "/"
	p.shell.Env = append(environment(), "PGTEST_PASSWORD="+password, "PGTEST_BACKUP="+l.copied)
	p.shell.SysProcAttr = serverUser()
	p.shell.SysProcAttr.Setsid = true // an interrupt at the terminal is for the tests
	err = p.shell.Start()
	messagesIn.Close()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start PostgreSQL: %w", err), lifeline.Close())
	}
	running.Store(p, nil)
	if err := p.await(ctx, messages); err != nil {
		log, _ := os.ReadFile(filepath.Join(p.dir, "log"))
		return nil, errors.Join(fmt.Errorf("start PostgreSQL of %s: %w\n%s", bin, err, log), p.stop())
	}
	return p, nil
}

// await returns when the server answers. Messages ends when it has died.
func (p *process) await(ctx context.Context, messages *os.File) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("no answer within a minute"))
	defer cancel()
	var said strings.Builder
	for ctx.Err() == nil {
		if err := messages.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
			return err
		}
		if _, err := io.Copy(&said, messages); !errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("it ended at once: %w\n%s", errors.Join(err, os.ErrProcessDone), said.String())
		}
		if _, err := os.Stat(filepath.Join(p.dir, "data", "postmaster.pid")); err != nil {
			continue
		}
		if conn, err := pgx.Connect(ctx, p.dsn); err == nil {
			return conn.Close(ctx)
		}
	}
	return fmt.Errorf("%w\n%s", context.Cause(ctx), said.String())
}

// stop ends the server and returns when its files are gone.
func (p *process) stop() error {
	running.Delete(p)
	err := p.lifeline.Close()
	if waitErr := p.shell.Wait(); waitErr != nil {
		err = errors.Join(err, fmt.Errorf("stop PostgreSQL: %w", waitErr))
	}
	return err
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}

// serverFolder is where servers' folders are made: in memory where there is
// plenty, since every database made is some three hundred files, which cost ten
// milliseconds there and up to a second on a busy disk. Else it is the user's
// temporary folder, unless it is closed to the server's user, or too deep for
// a socket's path, which may have some hundred bytes.
func serverFolder() string {
	var memory syscall.Statfs_t
	const dir = "/dev/shm"
	if err := syscall.Statfs(dir, &memory); err == nil && open(dir, 0o003) && uint64(memory.Bavail)*uint64(memory.Bsize) >= 2<<30 {
		return dir
	}
	if dir := os.TempDir(); len(dir) < 60 && open(dir, 0o003) {
		return dir
	}
	return "/tmp"
}

// environment is ours without what PostgreSQL's programs would listen to.
func environment() []string {
	var env []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "PG") {
			env = append(env, entry)
		}
	}
	return env
}
