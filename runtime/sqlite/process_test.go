package sqlite_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/sqlite"
)

// roles are what this binary does as a process of its own.
var roles = map[string]func(ctx context.Context, path string) error{
	"open":    openOnce,
	"produce": produce,
	"work":    work,
	"add":     addOnDemand,
}

// A process is this binary in one of its roles.
type process struct {
	*osexec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
	stderr *bytes.Buffer
}

func start(t *testing.T, role, path string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: osexec.Command(self), stderr: new(bytes.Buffer)}
	p.Env = append(os.Environ(), childRole+"="+role, childPath+"="+path)
	p.Stderr = p.stderr
	stdin, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin, p.stdout = stdin, bufio.NewReader(stdout)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Process.Kill()
		_ = p.Wait()
	})
	return p
}

// kill is kill -9.
func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); p.ProcessState.Exited() {
		t.Errorf("the process ended by itself: %v\n%s", err, p.stderr)
	}
}

func openOnce(ctx context.Context, path string) error {
	store, err := sqlite.Open(ctx, path, catalogue)
	if err != nil {
		return err
	}
	if _, err := runtime.Enqueue(ctx, store, noteJob, &note{}); err != nil {
		return err
	}
	return store.Close()
}

func TestManyProcessesOpenANewFileAtOnce(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	var processes []*process
	for range 6 {
		processes = append(processes, start(t, "open", path))
	}
	for _, p := range processes {
		if err := p.Wait(); err != nil {
			t.Errorf("%v\n%s", err, p.stderr)
		}
	}
	db := raw(t, path)
	if n := query[int](t, db, "SELECT count(*) FROM jobgen_migration"); n != 1 {
		t.Errorf("%d migrations are on record; want 1", n)
	}
	if n := query[int](t, db, "SELECT count(*) FROM jobgen_job"); n != 6 {
		t.Errorf("%d jobs; want 6", n)
	}
}

// addOnDemand adds a job for each line it reads, and writes when it began to.
func addOnDemand(ctx context.Context, path string) error {
	store, err := sqlite.Open(ctx, path, catalogue)
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		began := time.Now()
		if _, err := runtime.Enqueue(ctx, store, noteJob, &note{}); err != nil {
			return err
		}
		fmt.Println(began.UnixNano())
	}
	return store.Close()
}

func TestACommitOfAnotherProcessWakesAtOnce(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	queue := notes(t, open(t, path))
	p := start(t, "add", path)
	var longest time.Duration
	for range 20 {
		if _, err := io.WriteString(p.stdin, "add\n"); err != nil {
			t.Fatalf("%v\n%s", err, p.stderr)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		if _, err := runtime.Claim(ctx, queue, "h", time.Hour, 0); err != nil {
			t.Fatalf("not woken: %v\n%s", err, p.stderr)
		}
		claimed := time.Now()
		cancel()
		line, err := p.stdout.ReadString('\n')
		if err != nil {
			t.Fatalf("%v\n%s", err, p.stderr)
		}
		began, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		longest = max(longest, claimed.Sub(time.Unix(0, began)))
	}
	t.Logf("from before Add in one process to the claim in another: at most %v", longest)
	if err := p.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("%v\n%s", err, p.stderr)
	}
}

// produce adds jobs until it is killed, and writes the ids that Add returned.
func produce(ctx context.Context, path string) error {
	store, err := sqlite.Open(ctx, path, catalogue)
	if err != nil {
		return err
	}
	for {
		id, err := runtime.Enqueue(ctx, store, noteJob, &note{}, runtime.JobOptions.MaxWorkDuration(200*time.Millisecond))
		if err != nil {
			return err
		}
		fmt.Println(int64(id))
	}
}

// work handles jobs until it is killed. A job's effect is a row of the
// application's own, written in the transaction that completes the job.
func work(ctx context.Context, path string) error {
	store, err := sqlite.Open(ctx, path, catalogue)
	if err != nil {
		return err
	}
	mux := runtime.NewMux()
	mux.Handle(noteJob, func(ctx context.Context, job *runtime.Job, _ note) error {
		tx, err := store.DB().BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback() // of no effect after Commit
		if _, err := tx.ExecContext(ctx, "INSERT INTO effect (job, attempt) VALUES (?, ?)", int64(job.ID), job.AttemptNumber); err != nil {
			return err
		}
		if err := job.CompleteIn(ctx, store.InTx(tx)); err != nil {
			return err
		}
		return tx.Commit()
	})
	return runtime.NewWorker(store, mux, runtime.WithHandlers(4)).Run(ctx)
}

func TestNothingIsLostWhenProcessesAreKilled(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	store := open(t, path)
	queue := notes(t, store)
	// A row twice would be a second effect of the same job.
	exec(t, store.DB(), "CREATE TABLE effect (job INTEGER PRIMARY KEY, attempt INTEGER NOT NULL)")
	const kills = 4

	var acknowledged []snowflake.ID
	for range kills {
		workers := []*process{start(t, "work", path), start(t, "work", path)}
		producer := start(t, "produce", path)
		for n := range 150 {
			line, err := producer.stdout.ReadString('\n')
			if err != nil {
				t.Fatalf("%v\n%s", err, producer.stderr)
			}
			id, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			acknowledged = append(acknowledged, snowflake.ID(id))
			if n == 100 {
				workers[0].kill(t)
			}
		}
		producer.kill(t)
		workers[1].kill(t)
	}

	last := start(t, "work", path)
	deadline := time.After(time.Minute)
	for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
		stats, err := queue.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if stats.Waiting+stats.Claimed == 0 {
			tick.Stop()
			break
		}
		select {
		case <-deadline:
			t.Fatalf("not all jobs have ended: %+v\n%s", stats, last.stderr)
		default:
		}
	}
	last.kill(t)

	db := store.DB()
	for _, id := range acknowledged {
		if n := query[int](t, db, "SELECT count(*) FROM effect WHERE job = ?", int64(id)); n != 1 {
			t.Fatalf("job %d of %d that were acknowledged has %d effects", id, len(acknowledged), n)
		}
	}
	for what, count := range map[string]string{
		"jobs with an effect and no success":   "SELECT count(*) FROM effect e WHERE NOT EXISTS (SELECT 1 FROM jobgen_attempt a WHERE a.job = e.job AND a.number = e.attempt AND a.outcome = 1)",
		"successes without an effect":          "SELECT count(*) FROM jobgen_attempt a WHERE a.outcome = 1 AND NOT EXISTS (SELECT 1 FROM effect e WHERE a.job = e.job AND a.number = e.attempt)",
		"jobs with gaps in their attempts":     "SELECT count(*) FROM (SELECT 1 FROM jobgen_attempt GROUP BY job HAVING count(*) <> max(number) + 1 OR min(number) <> 0)",
		"jobs that succeeded twice":            "SELECT count(*) FROM (SELECT 1 FROM jobgen_attempt WHERE outcome = 1 GROUP BY job HAVING count(*) > 1)",
		"attempts that never ended":            "SELECT count(*) FROM jobgen_attempt WHERE outcome = 0",
		"jobs that are dead or cancelled":      "SELECT count(*) FROM jobgen_ended_job",
		"faults that an integrity check found": "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
	} {
		if n := query[int](t, db, count); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
	t.Logf("%d jobs acknowledged, %d done, %d attempts taken over", len(acknowledged),
		query[int](t, db, "SELECT count(*) FROM effect"), query[int](t, db, "SELECT count(*) FROM jobgen_attempt WHERE outcome <> 1"))
}

func TestProcessesShareAQueueAndTakeEachJobOnce(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	const stores, jobs = 4, 400
	first := notes(t, open(t, path, sqlite.WithSynchronousNormal()))
	payloads := make([]any, jobs)
	for i := range payloads {
		payloads[i] = note{}
	}
	if _, err := first.AddBatch(t.Context(), noteJob.Type, payloads); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	taken := make(map[snowflake.ID]int)
	var all sync.WaitGroup
	for i := range stores {
		queue := notes(t, open(t, path, sqlite.WithSynchronousNormal()))
		for k := range 16 {
			all.Go(func() {
				for {
					job, err := queue.TryClaim(t.Context(), fmt.Sprint(i, k))
					if errors.Is(err, runtime.ErrJobNotFound) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					taken[job.ID]++
					mu.Unlock()
				}
			})
		}
	}
	all.Wait()
	if len(taken) != jobs {
		t.Errorf("%d jobs were claimed; want %d", len(taken), jobs)
	}
	for id, n := range taken {
		if n != 1 {
			t.Errorf("job %d was claimed %d times", id, n)
		}
	}
}
