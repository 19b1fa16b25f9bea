package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/jobgen/jobgen/runtime"
)

// A Store is one process's access to the jobs in an SQLite file. Its methods,
// and those of its queues, may be called from several goroutines at once.
// Close it when nothing uses it any more.
type Store struct {
	*runtime.Store
	db *database
}

// Open opens the SQLite file at path, or makes it, brings its tables up to
// date, makes the queues of the catalogue's job types and returns a Store that
// knows these types. Any number of processes of one machine may have the file
// open. The directory must exist.
//
// It returns a [*runtime.TypeConflictError] where jobs are unfinished whose type
// and version mean another payload to the program that was opened before.
func Open(ctx context.Context, path string, catalogue *runtime.Catalogue, opts ...Option) (*Store, error) {
	db, err := open(ctx, path, catalogue, time.Now, opts)
	if err != nil {
		return nil, fmt.Errorf("open sqlite store: %w", err)
	}
	return &Store{Store: runtime.NewStore(&store{database: db}, catalogue), db: db}, nil
}

func open(ctx context.Context, path string, catalogue *runtime.Catalogue, now func() time.Time, opts []Option) (*database, error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	known, err := catalogue.Known()
	if err != nil {
		return nil, err
	}
	f, err := locate(path, o)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	db := &database{file: f, now: now}
	if err := db.connect(ctx); err != nil {
		db.disconnect()
		return nil, err
	}
	if err := db.start(ctx, known); err != nil {
		db.close()
		return nil, err
	}
	return db, nil
}

// Close stops what the store does in the background, gives its node number
// back and closes its connections, those of DB included. Jobs that are claimed
// stay so until their claims expire: end the workers first. Closing twice is
// nil.
func (s *Store) Close() error {
	if err := s.db.close(); err != nil {
		return fmt.Errorf("close sqlite store: %w", err)
	}
	return nil
}

// DB returns connections to the file for the application's own tables, whose
// names must not begin with jobgen_. Its transactions begin as immediate ones,
// unless they are read-only, and wait for the store's writes and for each
// other; while one is open, only reading goes on beside it, and what the
// transaction's goroutine wants to write goes through the transaction or
// [Store.InTx]. Close closes them.
func (s *Store) DB() *sql.DB { return s.db.callers }

// InTx returns the store bound to the caller's transaction, one of DB's: what
// is added, completed, failed and cancelled through it commits with tx or
// vanishes with it. Use it only until tx ends and, like tx, from one goroutine
// at a time. After that each call returns [runtime.ErrTxEnded] and changes
// nothing, however tx has ended.
func (s *Store) InTx(tx *sql.Tx) *runtime.Store {
	return s.Bind(&store{database: s.db, tx: newTransaction(tx)})
}
