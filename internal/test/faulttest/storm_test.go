package faulttest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/jobgen/jobgen/internal/test/pgproxy"
	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime/postgres"
)

var migrated = pgtest.NewTemplate(func(ctx context.Context, dsn string) error { return prepare(ctx, dsn) })

// prepare makes the tables, and the queue, and the third witness.
func prepare(ctx context.Context, dsn string) error {
	store, err := postgres.Open(ctx, dsn, catalogue)
	if err != nil {
		return err
	}
	_, err = store.GetQueue(ctx, queueName)
	if err = errors.Join(err, store.Close()); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	return errors.Join(installAudit(ctx, conn), conn.Close(ctx))
}

// A storm is one run: processes at work on a database behind a proxy.
type storm struct {
	testing.TB
	scale
	dir       string
	dsn       string // past the proxy
	through   string // through it
	proxy     *pgproxy.Proxy
	cluster   *pgtest.Cluster // nil on the server that all tests share
	standby   *pgtest.Cluster // of the cluster, or nil
	pooler    *keeper         // before the server, or nil
	producers []*slot
	workers   []*slot
	// relaunched counts how often the workers have been exchanged.
	relaunched int

	mu       sync.Mutex
	outages  []span
	from, to time.Time // of the fault
	dialled  int64     // connections that workers tried to make in vain while it lasted

	// broken says that something was broken on purpose that processes may
	// stumble over.
	broken bool
	// patience is how long jobs may take to end once the producers have.
	patience time.Duration
	prompt   time.Duration
}

// prompt is how soon a job that can be claimed has to be.
const prompt = claimLimit + pollTime + 2*time.Second

// stopPatience is how long a process may take to end. pgx waits 15 seconds for
// the server's goodbye on a connection that has fallen silent.
const stopPatience = 25 * time.Second

// newStorm prepares a run, on a server of its own where there are settings.
func newStorm(t testing.TB, own bool, settings ...string) *storm {
	t.Helper()
	s := &storm{TB: t, scale: sizes(), patience: time.Minute, prompt: prompt}
	if !*full {
		s.prompt += 10 * time.Second // the cut has to share the machine with other tests
	}
	if own {
		s.cluster = pgtest.NewCluster(t, settings...)
		s.dsn = s.cluster.DSN()
		s.must(prepare(t.Context(), s.dsn))
	} else {
		s.dsn = migrated.DSN(t)
	}
	dir, err := os.MkdirTemp("", "jobgen-faults-")
	s.must(err)
	s.dir = dir
	t.Cleanup(func() {
		if !t.Failed() {
			os.RemoveAll(dir)
		} else {
			t.Logf("the processes' files are in %s", dir)
		}
	})
	s.proxy, s.through, err = pgproxy.StartFor(s.dsn)
	s.must(err)
	t.Cleanup(func() {
		s.killAll()
		if err := s.proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *storm) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// orders are what every process is told, through the proxy.
func (s *storm) orders(role string, number int) orders {
	return orders{
		Role: role, Name: fmt.Sprintf("%s%d", role, number), Dir: s.dir, DSN: s.through + "&application_name=" + role, Seed: rand.Uint64(),
		Rate: float64(s.rate) / float64(s.scale.producers), Mix: everyday,
		Limit: claimLimit, Handlers: s.handlers, Poll: pollTime, Grace: 3 * time.Second,
	}
}

// start begins the traffic; change may change what the processes are told.
func (s *storm) start(change func(*orders)) {
	s.Helper()
	for i := range s.scale.workers {
		s.workers = append(s.workers, s.launch(s.orders("worker", i), change))
	}
	for i := range s.scale.producers {
		s.producers = append(s.producers, s.launch(s.orders("producer", i), change))
	}
	s.awaitOpen(s.workers)
	s.awaitOpen(s.producers)
}

func (s *storm) launch(o orders, change func(*orders)) *slot {
	s.Helper()
	if change != nil {
		change(&o)
	}
	slot, err := startSlot(o)
	s.must(err)
	return slot
}

// awaitOpen returns when each process has opened its store.
func (s *storm) awaitOpen(slots []*slot) {
	s.Helper()
	for _, slot := range slots {
		s.eventually(time.Minute, slot.orders.Name+" to open its store", func() bool {
			lines, err := readLines(s.dir, slot.orders.Name+".")
			s.must(err)
			return len(lines) > 0 && lines[0].What == opened
		})
	}
}

// eventually waits until a condition holds.
func (s *storm) eventually(limit time.Duration, what string, holds func() bool) {
	s.Helper()
	for deadline := time.Now().Add(limit); !holds(); {
		if time.Now().After(deadline) {
			s.Fatalf("waited %v for %s\n%s", limit, what, s.logs())
		}
		pass(s.Context(), 50*time.Millisecond)
	}
}

// pass lets a part of the run's time pass. It synchronises nothing.
func pass(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (s *storm) pass(d time.Duration) { pass(s.Context(), d) }

// during runs the fault, and notes when it was.
func (s *storm) during(fault func()) {
	dialled := s.dialledInVain()
	s.from = time.Now()
	fault()
	s.to = time.Now()
	s.dialled = s.dialledInVain() - dialled
}

// dialledInVain is how many connections workers have tried to make that the
// server has not taken so far.
func (s *storm) dialledInVain() int64 {
	ready := s.proxy.Ready("worker")
	return s.proxy.Started("worker") - ready
}

// outage notes that jobs cannot be expected to be claimed while do runs.
func (s *storm) outage(do func()) {
	from := time.Now()
	do()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outages = append(s.outages, span{from, time.Now()})
}

// admin is a connection past the proxy.
func (s *storm) admin() *pgx.Conn {
	s.Helper()
	var conn *pgx.Conn
	s.eventually(30*time.Second, "the server to answer", func() bool {
		var err error
		conn, err = pgx.Connect(s.Context(), s.dsn)
		return err == nil
	})
	return conn
}

// query runs a statement past the proxy.
func (s *storm) exec(sql string, args ...any) {
	s.Helper()
	conn := s.admin()
	_, err := conn.Exec(s.Context(), sql, args...)
	s.must(errors.Join(err, conn.Close(s.Context())))
}

// end stops the producers, lets the jobs end, stops the workers, and returns
// what the witnesses say.
func (s *storm) end() evidence {
	s.Helper()
	for _, p := range s.producers {
		if err := p.stop(stopPatience); err != nil && !s.broken {
			s.Error(err)
		}
	}
	conn := s.admin()
	defer conn.Close(context.Background())
	deadline := time.Now().Add(s.patience)
	for {
		n, err := unfinished(s.Context(), conn)
		s.must(err)
		if n == 0 || time.Now().After(deadline) {
			break
		}
		s.pass(50 * time.Millisecond)
	}
	return s.evidence(conn)
}

// evidence stops the workers and reads the witnesses.
func (s *storm) evidence(conn *pgx.Conn) evidence {
	s.Helper()
	e := evidence{prompt: s.prompt}
	s.must(conn.QueryRow(s.Context(), "SELECT clock_timestamp()").Scan(&e.end))
	for _, w := range s.workers {
		if err := w.stop(stopPatience); err != nil && !s.broken {
			s.Error(err)
		}
	}
	var err error
	e.outages = s.outages
	e.producers, err = readLines(s.dir, "producer")
	s.must(err)
	e.workers, err = readLines(s.dir, "worker")
	s.must(err)
	e.events, err = readEvents(s.Context(), conn)
	s.must(err)
	e.attempts, err = readAttempts(s.Context(), conn)
	s.must(err)
	e.places, err = readPlaces(s.Context(), conn)
	s.must(err)
	e.holders, err = readHolders(s.Context(), conn)
	s.must(err)
	e.effects, err = readEffects(s.Context(), conn)
	s.must(err)
	return e
}

func (s *storm) killAll() {
	for _, list := range [][]*slot{s.producers, s.workers} {
		for _, p := range list {
			p.kill()
		}
	}
}

// logs is the end of what each process has logged.
func (s *storm) logs() string {
	files, _ := filepath.Glob(filepath.Join(s.dir, "*.log"))
	var b strings.Builder
	for _, file := range files {
		text, _ := os.ReadFile(file)
		if len(text) > 1500 {
			text = append([]byte("…"), text[len(text)-1500:]...)
		}
		if len(text) > 0 {
			fmt.Fprintf(&b, "%s:\n%s\n", filepath.Base(file), text)
		}
	}
	return b.String()
}

// killWorkers kills one worker after the other, one each pause, for d.
func (s *storm) killWorkers(d, pause time.Duration) {
	deadline := time.Now().Add(d)
	for i := 0; time.Now().Before(deadline); i++ {
		s.workers[i%len(s.workers)].signal(syscall.SIGKILL)
		s.pass(pause)
	}
}
