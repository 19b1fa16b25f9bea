package postgres_test

import (
	"context"
	_ "embed"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime/postgres"
	"github.com/jobgen/jobgen/runtime/queuetest"
)

//go:embed testdata/partitioned.sql
var partitionSQL string

// partitioned stands in for Citus: the tables of jobs are partitioned by the
// queue, as there they are distributed.
var partitioned = setup{
	empty: pgtest.NewTemplate(func(ctx context.Context, dsn string) error {
		if err := postgres.Migrate(ctx, dsn); err != nil {
			return err
		}
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			return err
		}
		defer conn.Close(context.WithoutCancel(ctx))
		_, err = conn.Exec(ctx, partitionSQL)
		return err
	}),
	mode: pgx.QueryExecModeCacheStatement,
}

func TestStoreOnPartitions(t *testing.T) { queuetest.Run(t, partitioned.newStore) }
