// Package runtime is the vocabulary of jobgen and everything that behaves the
// same whatever stores the jobs: jobs, claims, queues, options, the Mux that
// finds a job's handler and the Worker that runs it.
//
// Application code meets it mostly through the package that jobgen generates
// from jobs.yaml. With a job named email, a program is
//
//	store, err := postgres.Open(ctx, dsn, jobs.Catalogue)
//	...
//	id, err := jobs.EnqueueEmail(ctx, store, jobs.NewEmailJob(account, "welcome"))
//	...
//	mux := runtime.NewMux()
//	jobs.HandleEmail(mux, func(ctx context.Context, job *runtime.Job, email jobs.EmailJob) error {
//		return send(ctx, email)
//	})
//	err = runtime.NewWorker(store, mux).Run(ctx)
//
// # The promise
//
// A job runs at least once, and at most one live claim on it exists at a time.
// Effects that a handler commits in the same database transaction that
// completes its job happen exactly once. Every other effect of a handler may
// happen more than once, so make it idempotent.
//
// # What is where
//
// The packages runtime/postgres, runtime/sqlite and runtime/memory each open a
// [Store], whose queues are [Queue]: batches, dead jobs and statistics included.
// A back end implements the interfaces of runtime/driver, which no user of jobs
// needs to open, and runtime/queuetest holds each to the same behaviour.
//
// A Store is a [JobService], and its queues are a [JobQueue]. One that somebody
// else wrote works with [Claim], [Job.Exec] and a [Worker] as well.
//
// The package imports no back end, no SQL driver and no part of the generator.
package runtime
