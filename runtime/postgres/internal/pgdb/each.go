// Package pgdb holds the statements of package postgres: what sqlc makes of
// queries/postgres, and what reads many rows without keeping them.
package pgdb

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// EachClaimed calls each with one row after the other of what [Queries.Claim]
// returns. The row is overwritten by the next, but for its payload. A list of rows
// costs four times the memory, and a claim may have a thousand.
func (q *Queries) EachClaimed(ctx context.Context, arg ClaimParams, each func(*ClaimRow)) error {
	rows, err := q.db.Query(ctx, claim,
		arg.Queue, arg.Handler, arg.Types, arg.MaxJobs, arg.Priorities, arg.Due, arg.After, arg.Sweep, arg.CanDeclareDead)
	if err != nil {
		return err
	}
	return eachClaimed(rows, each)
}

// EachFinishedAndClaimed is EachClaimed for [Queries.FinishAndClaim].
func (q *Queries) EachFinishedAndClaimed(ctx context.Context, arg FinishAndClaimParams, each func(*ClaimRow)) error {
	rows, err := q.db.Query(ctx, finishAndClaim,
		arg.Queue, arg.Handler, arg.Ids, arg.Numbers, arg.Logs,
		arg.Types, arg.MaxJobs, arg.Priorities, arg.Due, arg.After, arg.Sweep, arg.CanDeclareDead)
	if err != nil {
		return err
	}
	return eachClaimed(rows, each)
}

// eachClaimed reads the columns in the order of ClaimRow.
func eachClaimed(rows pgx.Rows, each func(*ClaimRow)) error {
	var r ClaimRow
	columns := []any{
		&r.Kind, &r.ID, &r.Priority, &r.Type, &r.Attempts, &r.MaxAttempts, &r.Created, &r.Due, &r.MaxWork,
		&r.Payload, &r.Revoked, &r.Now, &r.NextDue,
	}
	_, err := pgx.ForEachRow(rows, columns, func() error {
		each(&r)
		return nil
	})
	return err
}
