package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/jobgen/jobgen/gen/jobs"
	"github.com/jobgen/jobgen/runtime/sqlite"
)

// sqlitePeer is jobgen on SQLite through its generated code. It has no server;
// all its work is the client's.
func sqlitePeer() peer {
	return peer{
		name:     "sqlite",
		about:    "jobgen on SQLite, WAL, synchronous=FULL, generated code, every setting at its default",
		slow:     2,
		embedded: true,
		open: func(ctx context.Context, at place) (queue, error) {
			store, err := sqlite.Open(ctx, filepath.Join(at.dir, "jobs.db"), jobs.Catalogue)
			if err != nil {
				return nil, fmt.Errorf("open jobgen: %w", err)
			}
			q := &jobgenSQLite{store: store}
			q.service, q.close = store.Store, store.Close
			return q, nil
		},
	}
}

type jobgenSQLite struct {
	jobgenQueue
	store *sqlite.Store
}

func (q *jobgenSQLite) Finished(ctx context.Context) (n int64, err error) {
	err = q.store.DB().QueryRowContext(ctx, "SELECT count(*) FROM jobgen_attempt WHERE outcome = 1").Scan(&n)
	return n, err
}
