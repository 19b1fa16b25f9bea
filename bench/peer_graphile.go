package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	graphileVersion     = "0.18.0"
	graphileConcurrency = 24
)

//go:embed graphile.mjs
var graphileScript []byte

// graphilePeer is graphile-worker. Jobs are enqueued through its SQL functions
// from Go and worked by node, whose CPU time is the client's. The numbers of
// its calls come back through a pipe, at a small cost to its CPU time and its
// latency.
func graphilePeer() peer {
	return peer{
		name: "graphile",
		about: fmt.Sprintf("graphile-worker %s on node: local queue 500, %d jobs at once, completions batched; enqueued from Go through its add_job and add_jobs",
			graphileVersion, graphileConcurrency),
		slow: 2,
		open: openGraphile,
	}
}

type graphileQueue struct {
	pool    *pgxpool.Pool
	node    *exec.Cmd
	orders  io.WriteCloser
	done    chan struct{} // an order was carried out
	handle  atomic.Pointer[handler]
	reading sync.WaitGroup
	stderr  lastWords
}

func openGraphile(ctx context.Context, at place) (queue, error) {
	dir, err := installGraphile(ctx)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.New(ctx, at.dsn)
	if err != nil {
		return nil, fmt.Errorf("open graphile: %w", err)
	}
	q := &graphileQueue{pool: pool, done: make(chan struct{}, 1)}
	err = q.start(dir)
	if err == nil {
		err = q.order(ctx, "migrate")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open graphile: %w", err), q.Close())
	}
	return q, nil
}

// installing keeps two installations from being made at once.
var installing sync.Mutex

// installGraphile installs the pinned version into the user's cache, once.
func installGraphile(ctx context.Context) (string, error) {
	installing.Lock()
	defer installing.Unlock()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return "", fmt.Errorf("graphile-worker needs node and npm, and there is no %s: %w", program, errMissing)
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("%w: %w", err, errMissing)
	}
	dir := filepath.Join(cache, "jobgen-bench", "graphile-worker-"+graphileVersion)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("install graphile-worker: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "installed")); err != nil {
		npm := exec.CommandContext(ctx, "npm", "install", "--no-audit", "--no-fund", "--prefix", dir, "graphile-worker@"+graphileVersion)
		if out, err := npm.CombinedOutput(); err != nil {
			return "", fmt.Errorf("npm install graphile-worker: %w: %s: %w", err, out, errMissing)
		}
		if err := os.WriteFile(filepath.Join(dir, "installed"), nil, 0o644); err != nil {
			return "", fmt.Errorf("install graphile-worker: %w", err)
		}
	}
	// Beside node_modules, where node looks for what it imports.
	return dir, os.WriteFile(filepath.Join(dir, "graphile.mjs"), graphileScript, 0o644)
}

func (q *graphileQueue) start(dir string) error {
	conn := q.pool.Config().ConnConfig
	q.node = exec.Command("node", filepath.Join(dir, "graphile.mjs"))
	q.node.Env = append(os.Environ(), "NODE_ENV=production", "BENCH_CONCURRENCY="+strconv.Itoa(graphileConcurrency),
		"PGHOST="+conn.Host, "PGPORT="+strconv.Itoa(int(conn.Port)), "PGUSER="+conn.User, "PGPASSWORD="+conn.Password, "PGDATABASE="+conn.Database)
	q.node.Stderr = &q.stderr
	calls, err := q.node.StdoutPipe()
	if err == nil {
		q.orders, err = q.node.StdinPipe()
	}
	if err == nil {
		err = q.node.Start()
	}
	if err != nil {
		return err
	}
	q.reading.Go(func() { q.read(calls) })
	return nil
}

// read passes calls on until node closes the pipe.
func (q *graphileQueue) read(calls io.Reader) {
	defer close(q.done)
	from := bufio.NewReaderSize(calls, 1<<16)
	var record [8]byte
	for {
		if _, err := io.ReadFull(from, record[:]); err != nil {
			return
		}
		seq := int64(binary.LittleEndian.Uint64(record[:]))
		if seq == -1 {
			q.done <- struct{}{}
			continue
		}
		(*q.handle.Load())(seq)
	}
}

// order has node do something and waits until it is done.
func (q *graphileQueue) order(ctx context.Context, what string) error {
	if _, err := fmt.Fprintln(q.orders, what); err != nil {
		return fmt.Errorf("graphile %s: %w: %s", what, err, q.stderr.String())
	}
	select {
	case _, ok := <-q.done:
		if !ok {
			return fmt.Errorf("graphile %s: node has ended: %s", what, q.stderr.String())
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ClientCPU is what node has used.
func (q *graphileQueue) ClientCPU() time.Duration { return treeCPU(q.node.Process.Pid) }

func (q *graphileQueue) Enqueue(ctx context.Context, j job) error {
	data, err := json.Marshal(emailArgs{AccountID: j.Seq, EmailID: j.Text})
	if err != nil {
		return err
	}
	_, err = q.pool.Exec(ctx, "SELECT graphile_worker.add_job('email', $1::json)", string(data))
	return err
}

const graphileAddJobs = `SELECT count(*) FROM graphile_worker.add_jobs(ARRAY(
  SELECT row('email', p::json, NULL, NULL, NULL, NULL, NULL, NULL)::graphile_worker.job_spec FROM unnest($1::text[]) p))`

func (q *graphileQueue) EnqueueBatch(ctx context.Context, js []job) error {
	payloads := make([]string, len(js))
	for i, j := range js {
		data, err := json.Marshal(emailArgs{AccountID: j.Seq, EmailID: j.Text})
		if err != nil {
			return err
		}
		payloads[i] = string(data)
	}
	_, err := q.pool.Exec(ctx, graphileAddJobs, payloads)
	return err
}

func (q *graphileQueue) Work(ctx context.Context, handle handler) (func() error, error) {
	q.handle.Store(&handle)
	if err := q.order(ctx, "start"); err != nil {
		return nil, err
	}
	return func() error { return q.order(ctx, "stop") }, nil
}

// Idle listens where an idle runner does.
func (q *graphileQueue) Idle(ctx context.Context) (func(), error) {
	return listen(ctx, q.pool, "jobs:insert")
}

func (q *graphileQueue) Remaining(ctx context.Context) (n int64, err error) {
	err = q.pool.QueryRow(ctx, "SELECT count(*) FROM graphile_worker._private_jobs").Scan(&n)
	return n, err
}

func (q *graphileQueue) Close() error {
	defer q.pool.Close()
	if q.orders == nil || q.node.Process == nil {
		return nil
	}
	err := q.orders.Close() // node ends at the end of its orders
	q.reading.Wait()
	return errors.Join(err, q.node.Wait())
}

// lastWords keeps what a process says, up to a limit.
type lastWords struct {
	mu   sync.Mutex
	said []byte
}

func (w *lastWords) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, p[:min(len(p), 4096-len(w.said))]...)
	return len(p), nil
}

func (w *lastWords) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.said)
}
