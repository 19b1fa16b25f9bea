package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"github.com/bwmarrin/snowflake"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/jobgen/jobgen/gen/jobs"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres"
	"github.com/jobgen/jobgen/runtime/sqlite"
)

// A database holds the accounts, and the jobs beside them, so that one
// transaction can write both. The SQL is the same on SQLite and PostgreSQL.
type database struct {
	sql   *sql.DB
	jobs  *runtime.Store
	inTx  func(*sql.Tx) *runtime.Store
	ids   *snowflake.Node
	close func() error
}

// tables are the program's own. One row of delivery is one letter to one
// account, and is written together with its job.
const tables = `
CREATE TABLE IF NOT EXISTS newsletter_account (
	id    bigint PRIMARY KEY,
	email text   NOT NULL UNIQUE,
	name  text   NOT NULL
);
CREATE TABLE IF NOT EXISTS newsletter_delivery (
	account_id bigint  NOT NULL REFERENCES newsletter_account (id),
	letter     text    NOT NULL,
	sent       boolean NOT NULL DEFAULT false,
	PRIMARY KEY (account_id, letter)
);`

// openDatabase opens PostgreSQL at url, or the SQLite file where url is empty,
// and makes the tables it needs.
func openDatabase(ctx context.Context, url, file string) (*database, error) {
	ids, err := snowflake.NewNode(int64(os.Getpid() % 1024)) // so two runs at once seldom meet
	if err != nil {
		return nil, err
	}
	db := &database{ids: ids}
	if url == "" {
		store, err := sqlite.Open(ctx, file, jobs.Catalogue)
		if err != nil {
			return nil, err
		}
		db.sql, db.jobs, db.inTx, db.close = store.DB(), store.Store, store.InTx, store.Close
	} else {
		pool, err := pgxpool.New(ctx, url)
		if err != nil {
			return nil, fmt.Errorf("DATABASE_URL: %w", err)
		}
		store, err := postgres.New(ctx, pool, jobs.Catalogue)
		if err != nil {
			pool.Close()
			return nil, err
		}
		db.sql, db.jobs, db.inTx = stdlib.OpenDBFromPool(pool), store.Store, store.InSQLTx
		db.close = func() error {
			err := errors.Join(db.sql.Close(), store.Close())
			pool.Close()
			return err
		}
	}
	if _, err := db.sql.ExecContext(ctx, tables); err != nil {
		return nil, errors.Join(fmt.Errorf("make the newsletter's tables: %w", err), db.close())
	}
	return db, nil
}

// transact runs work in a transaction, with a JobService that is bound to it.
func (db *database) transact(ctx context.Context, work func(*sql.Tx, *runtime.Store) error) error {
	tx, err := db.sql.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // of no effect after Commit
	if err := work(tx, db.inTx(tx)); err != nil {
		return err
	}
	return tx.Commit()
}

// enqueue stores accounts and, in the same transaction, enqueues the letter to
// each that is not down for it yet. It returns how many e-mails it enqueued.
func (db *database) enqueue(ctx context.Context, letter string, people []recipient) (added int, err error) {
	err = db.transact(ctx, func(tx *sql.Tx, service *runtime.Store) error {
		added = 0
		for _, person := range people {
			var account snowflake.ID
			err := tx.QueryRowContext(ctx, `
				INSERT INTO newsletter_account (id, email, name) VALUES ($1, $2, $3)
				ON CONFLICT (email) DO UPDATE SET name = excluded.name RETURNING id`,
				int64(db.ids.Generate()), person.email, person.name).Scan(&account)
			if err != nil {
				return fmt.Errorf("account %s: %w", person.email, err)
			}
			result, err := tx.ExecContext(ctx, `
				INSERT INTO newsletter_delivery (account_id, letter) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
				int64(account), letter)
			if err != nil {
				return fmt.Errorf("delivery to %s: %w", person.email, err)
			}
			if n, err := result.RowsAffected(); err != nil || n == 0 {
				if err != nil {
					return err
				}
				continue
			}
			if _, err := jobs.EnqueueEmail(ctx, service, jobs.NewEmailJob(account, letter)); err != nil {
				return err
			}
			added++
		}
		return nil
	})
	return added, err
}

// account returns who an e-mail goes to.
func (db *database) account(ctx context.Context, id snowflake.ID) (recipient, error) {
	var person recipient
	err := db.sql.QueryRowContext(ctx, `SELECT email, name FROM newsletter_account WHERE id = $1`, int64(id)).
		Scan(&person.email, &person.name)
	if err != nil {
		return person, fmt.Errorf("account %d: %w", id, err)
	}
	return person, nil
}

// finish notes the delivery and completes its job in one transaction, so that
// a letter is noted as sent exactly once.
func (db *database) finish(ctx context.Context, job *runtime.Job, email jobs.EmailJob) error {
	return db.transact(ctx, func(tx *sql.Tx, service *runtime.Store) error {
		_, err := tx.ExecContext(ctx, `UPDATE newsletter_delivery SET sent = true WHERE account_id = $1 AND letter = $2`,
			int64(email.AccountID), email.EmailID)
		if err != nil {
			return fmt.Errorf("note delivery: %w", err)
		}
		return job.CompleteIn(ctx, service)
	})
}

// deliveries returns, for each account of the list that the letter goes to,
// whether it has been sent.
func (db *database) deliveries(ctx context.Context, letter string, list []recipient) (map[snowflake.ID]bool, error) {
	onList := make(map[string]bool, len(list))
	for _, person := range list {
		onList[person.email] = true
	}
	rows, err := db.sql.QueryContext(ctx, `
		SELECT a.id, a.email, d.sent FROM newsletter_delivery d JOIN newsletter_account a ON a.id = d.account_id
		WHERE d.letter = $1`, letter)
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	defer rows.Close()
	all := make(map[snowflake.ID]bool, len(list))
	for rows.Next() {
		var account snowflake.ID
		var email string
		var sent bool
		if err := rows.Scan(&account, &email, &sent); err != nil {
			return nil, fmt.Errorf("read deliveries: %w", err)
		}
		if onList[email] {
			all[account] = sent
		}
	}
	return all, rows.Err()
}
