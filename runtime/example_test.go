package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jobgen/jobgen/gen/jobs"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/memory"
	"github.com/jobgen/jobgen/runtime/observe"
	"github.com/jobgen/jobgen/runtime/postgres"
)

// A program that works jobs: open a store, set the handlers, run a Worker until
// the platform sends SIGTERM. Package jobs is generated from jobs.yaml.
func Example() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	store, err := postgres.Open(ctx, os.Getenv("DATABASE_URL"), jobs.Catalogue)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	mux := runtime.NewMux()
	jobs.HandleEmail(mux, func(ctx context.Context, job *runtime.Job, email jobs.EmailJob) error {
		runtime.Logger(ctx).Info("sending", "email", email.EmailID)
		return nil
	})
	if err := runtime.NewWorker(store, mux).Run(ctx); err != nil {
		log.Fatal(err)
	}
}

// A handler is a function. The job's ID is the same in every attempt, so it is
// the idempotency key for what the handler does elsewhere.
func Example_handler() {
	handler := func(ctx context.Context, job *runtime.Job, email jobs.EmailJob) error {
		if job.AttemptNumber == 0 {
			return errors.New("the mail server is busy") // tried again later
		}
		fmt.Println("sent", email.EmailID, "in attempt", job.AttemptNumber)
		return nil
	}

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	runtime.BackoffDuration = time.Millisecond
	store, err := memory.New(jobs.Catalogue)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := jobs.EnqueueEmail(ctx, store, jobs.NewEmailJob(1, "welcome")); err != nil {
		log.Fatal(err)
	}
	mux := runtime.NewMux()
	jobs.HandleEmail(mux, func(ctx context.Context, job *runtime.Job, email jobs.EmailJob) error {
		err := handler(ctx, job, email)
		if err == nil {
			stop()
		}
		return err
	})
	if err := runtime.NewWorker(store, mux, runtime.WithLogger(nil)).Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: sent welcome in attempt 1
}

// A batch adds many jobs in one transaction: all or none.
func Example_batch() {
	ctx := context.Background()
	store, err := memory.New(jobs.Catalogue)
	if err != nil {
		log.Fatal(err)
	}
	ids, err := jobs.EnqueueEmailBatch(ctx, store, []jobs.EmailJob{
		jobs.NewEmailJob(1, "welcome"),
		jobs.NewEmailJob(2, "welcome"),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(ids), "jobs")
	// Output: 2 jobs
}

// Options given to Enqueue override those of jobs.yaml for one job.
func ExampleJobOptions() {
	ctx := context.Background()
	store, err := memory.New(jobs.Catalogue)
	if err != nil {
		log.Fatal(err)
	}
	_, err = jobs.EnqueueEmail(ctx, store, jobs.NewEmailJob(1, "welcome"),
		runtime.JobOptions.Due(time.Now().Add(24*time.Hour)),
		runtime.JobOptions.MaxAttempts(1),
		runtime.JobOptions.Priority(9),
	)
	fmt.Println(err)
	// Output: <nil>
}

// The options of a Worker.
func ExampleNewWorker() {
	var (
		store    *postgres.Store
		mux      *runtime.Mux
		observer observe.Observer
	)
	worker := runtime.NewWorker(store, mux,
		runtime.WithHandlers(20),                       // jobs of each queue that run at once; 100 by default
		runtime.WithQueueHandlers(jobs.EmailsQueue, 5), // and of this queue
		runtime.WithQueues(jobs.EmailsQueue),           // of the mux's queues, work only these
		runtime.WithGracePeriod(20*time.Second),        // for running handlers at the stop; 30 s by default
		runtime.WithPollInterval(time.Second),          // without notifications; 5 s by default
		runtime.WithLogger(slog.Default()),
		runtime.WithObserver(observer), // for metrics and traces
	)
	_ = worker.Run(context.Background())
}

// A dead job has used up its attempts. It is kept until it is revived.
func ExampleQueue_Revive() {
	ctx := context.Background()
	store, err := memory.New(jobs.Catalogue)
	if err != nil {
		log.Fatal(err)
	}
	_, err = jobs.EnqueueEmail(ctx, store, jobs.NewEmailJob(1, "welcome"), runtime.JobOptions.MaxAttempts(1))
	if err != nil {
		log.Fatal(err)
	}
	queue, err := store.Queue(ctx, jobs.EmailsQueue)
	if err != nil {
		log.Fatal(err)
	}
	job, err := queue.TryClaim(ctx, "example")
	if err != nil {
		log.Fatal(err)
	}
	if err := job.Fail(ctx, "no such account"); err != nil {
		log.Fatal(err)
	}

	dead, err := queue.DeadJobs(ctx, 0, 100)
	if err != nil {
		log.Fatal(err)
	}
	for _, job := range dead {
		last, err := queue.Log(ctx, job.ID, job.AttemptsMade-1)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(job.Type, "is dead:", last.FailureReason)
		if err := queue.Revive(ctx, job.ID, 3); err != nil {
			log.Fatal(err)
		}
	}
	// Output: email is dead: no such account
}
