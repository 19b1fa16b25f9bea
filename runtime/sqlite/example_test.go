package sqlite_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/jobgen/jobgen/gen/jobs"
	"github.com/jobgen/jobgen/runtime/sqlite"
)

// Open creates the file if it does not exist. Its directory must exist.
func ExampleOpen() {
	ctx := context.Background()
	store, err := sqlite.Open(ctx, "/var/lib/shop/shop.db", jobs.Catalogue)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	if _, err := jobs.EnqueueEmail(ctx, store, jobs.NewEmailJob(1, "welcome")); err != nil {
		log.Fatal(err)
	}
}

// The file may hold the application's tables too, so that one transaction
// writes both. The job commits or rolls back with tx.
func ExampleStore_InTx() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "shop")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store, err := sqlite.Open(ctx, filepath.Join(dir, "shop.db"), jobs.Catalogue)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	if _, err := store.DB().ExecContext(ctx, "CREATE TABLE account (id INTEGER PRIMARY KEY)"); err != nil {
		log.Fatal(err)
	}

	tx, err := store.DB().BeginTx(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer tx.Rollback() // of no effect after Commit
	if _, err := tx.ExecContext(ctx, "INSERT INTO account (id) VALUES (1)"); err != nil {
		log.Fatal(err)
	}
	if _, err := jobs.EnqueueEmail(ctx, store.InTx(tx), jobs.NewEmailJob(1, "welcome")); err != nil {
		log.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		log.Fatal(err)
	}
	queue, err := store.Queue(ctx, jobs.EmailsQueue)
	if err != nil {
		log.Fatal(err)
	}
	stats, err := queue.Stats(ctx)
	fmt.Println(stats.Waiting, "waiting,", err)
	// Output: 1 waiting, <nil>
}
