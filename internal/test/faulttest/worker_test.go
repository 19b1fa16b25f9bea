package faulttest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	goruntime "runtime"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres"
)

// A laborer is what the handlers of one worker process share.
type laborer struct {
	pool  *pgxpool.Pool
	store *postgres.Store
	book  *notebook
}

func work(ctx context.Context, o orders) error {
	runtime.BackoffDuration = backoff
	book, err := openNotebook(o.Dir, o.Name)
	if err != nil {
		return err
	}
	pool, store, err := o.open(ctx)
	if err != nil {
		return nil // told to end before the database came back
	}
	defer pool.Close()
	defer store.Close()
	book.write(line{What: opened})
	l := &laborer{pool: pool, store: store, book: book}
	mux := runtime.NewMux()
	mux.Handle(theJob, l.handle)
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	for {
		worker := runtime.NewWorker(store, mux, runtime.WithHandlers(o.Handlers), runtime.WithPollInterval(o.Poll),
			runtime.WithGracePeriod(o.Grace), runtime.WithLogger(logger))
		err := worker.Run(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		// Before it claims anything Run returns an error where later it would
		// try again: a program that is started then has to.
		slog.Warn("the worker has not begun", "error", err)
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return nil
		}
	}
}

// handle writes down that an attempt begins and how it ends, around what the
// job wants.
func (l *laborer) handle(ctx context.Context, job *runtime.Job, p payload) error {
	note := line{What: begins, Key: p.Key, Job: int64(job.ID), Attempt: job.AttemptNumber, Handler: job.HandlerID}
	l.book.write(note)
	ended := false
	defer func() {
		if !ended { // a panic or Goexit
			note.What = fails
			l.book.write(note)
		}
	}()
	// What commits with its own completion says so before.
	commits := func() { note.What = succeeds; l.book.write(note) }
	err := l.do(ctx, job, p, commits)
	ended = true
	if err == nil {
		commits()
		return nil
	}
	note.What, note.Err = fails, strings.ToValidUTF8(err.Error(), "?")
	note.Err = note.Err[:min(len(note.Err), 200)]
	l.book.write(note)
	return err
}

func (l *laborer) do(ctx context.Context, job *runtime.Job, p payload, commits func()) error {
	first := job.AttemptNumber == 0
	switch p.Mode {
	case modeSlow:
		return rest(ctx, 100*time.Millisecond)
	case modeFlaky:
		if first {
			return errors.New("no luck at first")
		}
	case modeHopeless:
		return errors.New("no luck ever")
	case modeTx:
		return l.effect(ctx, job, commits)
	case modeLate:
		if first {
			// Until the thief runs, or until it has done.
			over := 200 * time.Millisecond
			if job.ID.Time()%2 == 0 {
				over = pollTime + time.Second
			}
			_ = rest(context.WithoutCancel(ctx), job.MaxWorkDuration+over)
		}
	case modePanic:
		if first {
			panicWith(int(job.ID))
		}
	case modeGoexit:
		if first {
			goruntime.Goexit()
		}
	case modePoison:
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // it is a moment until that takes effect
	case modeText:
		if first {
			return errors.New(texts[int(uint64(job.ID)%uint64(len(texts)))])
		}
	case modeCancel:
		return rest(ctx, claimLimit/2)
	}
	return nil
}

// rest is work that takes time and obeys its context.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// effect writes a row and completes the job in one transaction.
func (l *laborer) effect(ctx context.Context, job *runtime.Job, commits func()) error {
	tx, err := l.pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // of no effect after Commit
	if _, err := tx.Exec(ctx, "INSERT INTO audit.effect (job, attempt) VALUES ($1, $2)", int64(job.ID), job.AttemptNumber); err != nil {
		return err
	}
	if err := job.CompleteIn(ctx, l.store.InTx(tx)); err != nil {
		return err
	}
	commits()
	return tx.Commit(ctx)
}

// panicWith panics in one of the ways there are.
func panicWith(n int) {
	var list []int
	var unset *payload
	var nothing any
	switch n % 8 {
	case 0:
		panic("text")
	case 1:
		panic(fmt.Errorf("an error, %w", context.Canceled))
	case 2:
		panic(nothing)
	case 3:
		noMap()["x"] = 1
	case 4:
		_ = list[n]
	case 5:
		_ = unset.Key
	case 6:
		panic(unprintable{})
	default:
		panic(runtime.ErrJobCancelled)
	}
}

func noMap() map[string]int { return nil }

// An unprintable value panics when it is printed.
type unprintable struct{}

func (unprintable) Error() string { panic("no text") }

// texts are reasons of failure as programs make them.
var texts = []string{
	"a NUL \x00 in it", "\xff\xfe not UTF-8", strings.Repeat("long ", 1<<20), strings.Repeat("[", 100_000),
	"", "\u202e\u0007", "quote ' \" \\ $1 %s", "\x00",
}
