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
// happen more than once, so write it to bear that.
//
// # What is where
//
// [Store] and [Queue] are what users hold. Package driver is what a back end
// implements; the packages runtime/postgres, runtime/sqlite and runtime/memory
// do, and runtime/queuetest holds each of them to the same behaviour. A
// [JobQueue] that somebody else wrote works with Claim, Exec and a Worker, too.
//
// The package imports no back end, no SQL driver and no part of the generator.
package runtime
