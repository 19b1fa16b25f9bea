package faulttest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres"
)

func TestJobsSurviveOperations(t *testing.T) {
	t.Parallel()
	runScenarios(t, familyOperations, []scenario{
		{
			fault: "workers are told to end under a backlog", how: fmt.Sprintf("SIGTERM of all workers with %d jobs waiting, twice; they end within their grace period", backlog()),
			unmeasured: true,
			before:     (*storm).fillQueue,
			orders:     func(o *orders) { o.Mix = mix{modeQuick: 1} },
			scale:      func(s *scale) { s.producers, s.rate = 1, 10 },
			inject:     (*storm).drainAway,
			after: func(s *storm, e *evidence) {
				if e.waiting() == 0 {
					s.Error("no job was left, so nothing is proved")
				}
			},
		},
		{
			fault: "a pooler in transaction mode restarts", how: "clients reach the server through PgBouncer with `pool_mode = transaction`, without LISTEN; it is killed and started again, twice",
			only: true, own: true,
			orders: func(o *orders) { o.Pooler = true },
			before: (*storm).pool,
			inject: func(s *storm) {
				for range 2 {
					s.pooler.signal(syscall.SIGKILL)
					s.pass(s.scale.fault / 2)
				}
			},
		},
	})
}

// backlog is how many jobs wait when the workers are told to end.
func backlog() int { return pick(30_000, 1_000_000) }

// fillQueue adds the backlog, as a producer.
func (s *storm) fillQueue() {
	s.patience, s.prompt = 0, time.Hour
	book, err := openNotebook(s.dir, "producer-backlog")
	s.must(err)
	defer book.file.Close()
	store, err := postgres.Open(s.Context(), s.dsn, catalogue)
	s.must(err)
	defer store.Close()
	const batch = 5000
	for from := 0; from < backlog(); from += batch {
		payloads := make([]payload, batch)
		for i := range payloads {
			// Some take long enough for others to be claimed ahead of their handlers.
			m := modeQuick
			if i%20 == 0 {
				m = modeSlow
			}
			payloads[i] = payload{Key: fmt.Sprintf("backlog/%d", from+i), Mode: m}
			book.write(line{What: asksAdd, Key: payloads[i].Key, Mode: m})
		}
		ids, err := runtime.EnqueueBatch(s.Context(), store, theJob, payloads, runtime.JobOptions.MaxWorkDuration(claimLimit))
		s.must(err)
		for i, id := range ids {
			book.write(line{What: added, Key: payloads[i].Key, Job: int64(id)})
		}
	}
}

// drainAway ends all workers, and lets others begin, twice.
func (s *storm) drainAway() {
	for range 2 {
		s.pass(pick(300*time.Millisecond, 3*time.Second))
		begin := time.Now()
		var all sync.WaitGroup
		for _, w := range s.workers {
			all.Go(func() {
				if err := w.stop(10 * time.Second); err != nil {
					s.Error(err)
				}
			})
		}
		all.Wait()
		if took := time.Since(begin); took > 5*time.Second {
			s.Errorf("the workers took %v to end", took)
		}
		s.workers = nil
		for i := range s.scale.workers {
			s.relaunched++
			o := s.orders("worker", 100*s.relaunched+i)
			s.workers = append(s.workers, s.launch(o, func(o *orders) { o.Mix = mix{modeQuick: 1} }))
		}
		s.awaitOpen(s.workers)
	}
}

// waiting counts the jobs that are still there.
func (e evidence) waiting() (n int) {
	for _, places := range e.places {
		if places[0] == "waiting" {
			n++
		}
	}
	return n
}

// pool puts PgBouncer between the proxy and the server.
func (s *storm) pool() {
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		s.Fatalf("%v: install PgBouncer (apt-get install pgbouncer), which the full run needs", err)
	}
	server, err := pgx.ParseConfig(s.dsn)
	s.must(err)
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	s.must(err)
	port := listener.Addr().(*net.TCPAddr).Port
	s.must(listener.Close())
	dir, err := os.MkdirTemp("/tmp", "jobgen-pgbouncer-")
	s.must(err)
	s.Cleanup(func() { os.RemoveAll(dir) })
	s.must(os.Chmod(dir, 0o755))
	config := fmt.Sprintf(`[databases]
%s = host=%s port=%d dbname=%s user=%s password=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 10
ignore_startup_parameters = extra_float_digits
`, server.Database, server.Host, server.Port, server.Database, server.User, server.Password, port)
	file := filepath.Join(dir, "pgbouncer.ini")
	s.must(os.WriteFile(file, []byte(config), 0o644))
	s.pooler = &keeper{start: func(ctx context.Context) *exec.Cmd { return s.cluster.Command(ctx, program, "-q", file) }}
	s.must(s.pooler.run())
	s.Cleanup(s.pooler.stop)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	s.eventually(20*time.Second, "PgBouncer to listen", func() bool {
		conn, err := net.Dial("tcp4", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	s.proxy.Redirect(address)
}

// A keeper runs a program, and starts it again when it has died.
type keeper struct {
	start   func(context.Context) *exec.Cmd
	current chan *exec.Cmd // holds the one that runs
	cancel  context.CancelFunc
	done    chan struct{}
}

func (k *keeper) run() error {
	ctx, cancel := context.WithCancel(context.Background())
	k.cancel, k.current, k.done = cancel, make(chan *exec.Cmd, 1), make(chan struct{})
	command := k.start(ctx)
	if err := command.Start(); err != nil {
		cancel()
		return err
	}
	k.current <- command
	go func() {
		defer close(k.done)
		for {
			_ = command.Wait() // it was killed
			<-k.current
			if ctx.Err() != nil {
				return
			}
			command = k.start(ctx)
			if command.Start() != nil {
				return
			}
			k.current <- command
		}
	}()
	return nil
}

func (k *keeper) signal(sig syscall.Signal) {
	command := <-k.current
	_ = command.Process.Signal(sig)
	k.current <- command
}

func (k *keeper) stop() {
	k.cancel()
	<-k.done
}
