package postgres_test

import (
	"context"
	"log"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jobgen/jobgen/gen/jobs"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres"
)

// Open makes a pool of its own and brings the schema up to date.
func ExampleOpen() {
	ctx := context.Background()
	store, err := postgres.Open(ctx, os.Getenv("DATABASE_URL"), jobs.Catalogue)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	if _, err := jobs.EnqueueEmail(ctx, store, jobs.NewEmailJob(1, "welcome")); err != nil {
		log.Fatal(err)
	}
}

// New uses the pool of the application, which Close leaves open. With a role
// that may not change the schema, the schema is left as it is.
func ExampleNew() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	store, err := postgres.New(ctx, pool, jobs.Catalogue, postgres.WithoutMigrations())
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
}

// The account and the job commit or roll back together.
func ExampleStore_InTx() {
	var (
		ctx   context.Context
		pool  *pgxpool.Pool
		store *postgres.Store
	)
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO account (id) VALUES (1)"); err != nil {
			return err
		}
		_, err := jobs.EnqueueEmail(ctx, store.InTx(tx), jobs.NewEmailJob(1, "welcome"))
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
}

// A handler that completes its job in the transaction that writes its effects:
// they happen exactly once.
func ExampleStore_InTx_complete() {
	var (
		pool  *pgxpool.Pool
		store *postgres.Store
	)
	mux := runtime.NewMux()
	jobs.HandleEmail(mux, func(ctx context.Context, job *runtime.Job, email jobs.EmailJob) error {
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "UPDATE account SET welcomed = true WHERE id = $1", email.AccountID); err != nil {
				return err
			}
			return job.CompleteIn(ctx, store.InTx(tx))
		})
	})
}
