package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/gen/jobs"
	"github.com/jobgen/jobgen/runtime"
)

// A report counts what this run does, and says so while and after it does it.
type report struct {
	mu      sync.Mutex
	sent    int
	retried map[string]int // by reason
}

func newReport() *report { return &report{retried: make(map[string]int)} }

// attempt notes how an attempt ended; several handlers call it at once.
func (r *report) attempt(job *runtime.Job, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil:
		r.sent++
	case job.AttemptsRemaining > 0 && !errors.Is(err, context.Canceled):
		r.retried[err.Error()]++
	}
}

// follow prints progress until no job is left to work.
func (r *report) follow(ctx context.Context, db *database, out io.Writer) error {
	queue, err := db.jobs.GetQueue(ctx, jobs.EmailQueue)
	if err != nil {
		return err
	}
	progress := newProgress(out)
	defer progress.end()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		stats, err := queue.Stats(ctx)
		if err != nil {
			return err
		}
		r.mu.Lock()
		sent, retried := r.sent, sum(r.retried)
		r.mu.Unlock()
		progress.show(fmt.Sprintf("sent %d, retried %d, %d to go (%d in hand, %d waiting)",
			sent, retried, stats.Waiting+stats.Claimed, stats.Claimed, stats.Waiting))
		if stats.Waiting+stats.Claimed == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// summary prints how the letter stands for the list, earlier runs included, and
// what this run had to try again. It returns how many e-mails are dead.
func (r *report) summary(ctx context.Context, db *database, letter string, list []recipient, out io.Writer) (dead int, err error) {
	deliveries, err := db.deliveries(ctx, letter, list)
	if err != nil {
		return 0, err
	}
	sent := 0
	for _, done := range deliveries {
		if done {
			sent++
		}
	}
	reasons, err := deadByReason(ctx, db, letter, deliveries)
	if err != nil {
		return 0, err
	}
	dead = sum(reasons)
	fmt.Fprintf(out, "letter %q: %d sent, %d dead\n", letter, sent, dead)
	fmt.Fprintf(out, "this run: %d sent, %d attempts retried\n", r.sent, sum(r.retried))
	printReasons(out, "retried", r.retried)
	printReasons(out, "dead", reasons)
	return dead, nil
}

// deadPage is how many dead jobs are read at once.
const deadPage = 500

// deadByReason counts the letter's dead jobs, of those to be delivered, by why
// their last attempt failed.
func deadByReason(ctx context.Context, db *database, letter string, deliveries map[snowflake.ID]bool) (map[string]int, error) {
	queue, err := db.jobs.Queue(ctx, jobs.EmailQueue)
	if err != nil {
		return nil, err
	}
	reasons := make(map[string]int)
	for page := []*runtime.Job{{}}; len(page) > 0; {
		if page, err = queue.DeadJobs(ctx, page[len(page)-1].ID, deadPage); err != nil {
			return nil, err
		}
		for _, job := range page {
			payload, err := job.Payload()
			if err != nil {
				return nil, err
			}
			email, ok := payload.(*jobs.EmailJob)
			if !ok || email.EmailID != letter {
				continue
			}
			if _, ok := deliveries[email.AccountID]; !ok {
				continue
			}
			last, err := queue.Log(ctx, job.ID, job.AttemptsMade-1)
			if err != nil {
				return nil, err
			}
			reasons[last.FailureReason]++
		}
	}
	return reasons, nil
}

func printReasons(out io.Writer, what string, reasons map[string]int) {
	byCount := slices.SortedFunc(maps.Keys(reasons), func(a, b string) int {
		return cmp.Or(cmp.Compare(reasons[b], reasons[a]), cmp.Compare(a, b))
	})
	for _, reason := range byCount {
		fmt.Fprintf(out, "  %s %d: %s\n", what, reasons[reason], reason)
	}
}

func sum(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// progress is one line that is written over on a terminal, and a line every
// few seconds elsewhere.
type progress struct {
	out      io.Writer
	terminal bool
	last     time.Time
}

func newProgress(out io.Writer) *progress {
	p := &progress{out: out}
	if file, ok := out.(*os.File); ok {
		info, err := file.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

func (p *progress) show(line string) {
	switch {
	case p.terminal:
		fmt.Fprintf(p.out, "\r\033[K%s", line)
	case time.Since(p.last) > 2*time.Second:
		fmt.Fprintln(p.out, line)
		p.last = time.Now()
	}
}

func (p *progress) end() {
	if p.terminal {
		fmt.Fprintln(p.out)
	}
}
