package faulttest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jobgen/jobgen/runtime/postgres"
)

// Orders are what a process of a storm is told.
type orders struct {
	Role     string
	Name     string // of the process, and its files
	Dir      string
	DSN      string
	Seed     uint64
	Rate     float64 // of a producer: jobs a second
	Mix      mix
	Fill     int           // bytes of filling in each payload
	Limit    time.Duration // of a producer: how long a claim may last
	Handlers int           // of a worker
	Poll     time.Duration // of a worker
	Grace    time.Duration // of a worker
	Pooler   bool          // the database is behind a pooler in transaction mode
}

func readOrders(text string) (o orders, err error) {
	if err = json.Unmarshal([]byte(text), &o); err != nil {
		err = fmt.Errorf("read %s: %w", roleVariable, err)
	}
	return o, err
}

// open opens the store, trying until it works: a process may start while the
// database is away.
func (o orders) open(ctx context.Context) (*pgxpool.Pool, *postgres.Store, error) {
	config, err := pgxpool.ParseConfig(o.DSN)
	if err != nil {
		return nil, nil, err
	}
	// Without a bound a connection that hangs while it is made would be
	// waited for as long as TCP does.
	config.ConnConfig.ConnectTimeout = 5 * time.Second
	opts := []postgres.Option{postgres.WithoutMigrations()}
	if o.Pooler {
		config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
		opts = append(opts, postgres.WithoutListen())
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		try, cancel := context.WithTimeout(ctx, 5*time.Second)
		store, err := postgres.New(try, pool, catalogue, opts...)
		cancel()
		if err == nil {
			return pool, store, nil
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			pool.Close()
			return nil, nil, err
		}
	}
}

// A slot is a place for one process, which is started anew when it dies.
type slot struct {
	orders  orders
	starts  int
	stopped bool // no more starts

	mu      sync.Mutex
	command *exec.Cmd
	stdin   *os.File
	begun   time.Time
	errs    []error
	done    chan struct{}
}

// startSlot starts a process that is kept alive until stop.
func startSlot(o orders) (*slot, error) {
	s := &slot{orders: o, done: make(chan struct{})}
	if err := s.start(); err != nil {
		return nil, err
	}
	go s.supervise()
	return s, nil
}

func (s *slot) start() error {
	o := s.orders
	o.Name = fmt.Sprintf("%s.%d", o.Name, s.starts)
	o.Seed += uint64(s.starts) * 1000
	s.starts++
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	stderr, err := os.Create(filepath.Join(o.Dir, o.Name+".log"))
	if err != nil {
		return err
	}
	defer stderr.Close()
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), roleVariable+"="+string(text), "GOMAXPROCS=2")
	command.Stdin, command.Stdout, command.Stderr = read, stderr, stderr
	if err := command.Start(); err != nil {
		write.Close()
		return err
	}
	s.command, s.stdin, s.begun = command, write, time.Now()
	return nil
}

// supervise waits for the process and starts another, until it may not.
func (s *slot) supervise() {
	defer close(s.done)
	for {
		s.mu.Lock()
		command, stdin := s.command, s.stdin
		s.mu.Unlock()
		err := command.Wait()
		stdin.Close()
		s.mu.Lock()
		if s.stopped {
			if err != nil && !s.tooYoung(command) {
				s.errs = append(s.errs, fmt.Errorf("%s: %w", s.orders.Name, err))
			}
			s.mu.Unlock()
			return
		}
		if err := s.start(); err != nil {
			s.errs = append(s.errs, err)
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
	}
}

// tooYoung reports whether the process was told to end before it could listen
// for that, as may happen to one that has just been started again.
func (s *slot) tooYoung(command *exec.Cmd) bool {
	status, ok := command.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGTERM && time.Since(s.begun) < 10*time.Second
}

// pid is the process's number.
func (s *slot) pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.command.Process.Pid
}

func (s *slot) signal(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.command.Process.Signal(sig) // it may have ended by itself
}

// stop asks the process to end and waits until it has; after patience it is
// killed, which is an error.
func (s *slot) stop(patience time.Duration) error {
	s.mu.Lock()
	s.stopped = true
	_ = s.command.Process.Signal(syscall.SIGTERM)
	s.mu.Unlock()
	select {
	case <-s.done:
	case <-time.After(patience):
		s.signal(syscall.SIGKILL)
		<-s.done
		s.errs = append(s.errs, fmt.Errorf("%s has not ended %v after SIGTERM", s.orders.Name, patience))
	}
	return errors.Join(s.errs...)
}

// kill ends the process for good; a second time is as once.
func (s *slot) kill() {
	s.mu.Lock()
	s.stopped = true
	_ = s.command.Process.Kill()
	s.mu.Unlock()
	<-s.done
}
