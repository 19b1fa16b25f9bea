package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bwmarrin/snowflake"
	"github.com/jackc/pgx/v5"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// A Survey looks at all jobs of a database as they are at one moment, for
// tools: it needs no catalogue, claims nothing, and changes nothing, since it
// is a read-only transaction. It is not safe for use by several goroutines.
type Survey struct {
	conn *pgx.Conn
	tx   pgx.Tx
	db   *pgdb.Queries
}

// A SurveyCount is how many jobs of one type and version are in one queue.
type SurveyCount struct {
	driver.TypeVersion
	Queue      string
	Unfinished int64 // waiting, due or not, or claimed
	Dead       int64 // which can be revived
}

// A SurveyedJob is one job that is not finished.
type SurveyedJob struct {
	driver.TypeVersion
	ID      snowflake.ID
	Queue   string
	Payload []byte // the JSON as it is stored
}

// A SurveyedProcess is a process that is alive: it leases a snowflake node number.
type SurveyedProcess struct {
	Node  int       // the number
	Since time.Time // since when it has had it without a gap, by the database's clock
}

// surveyPage is how many jobs a survey reads at a time.
const surveyPage = 1000

// OpenSurvey connects to a database, whose schema has to be one that this
// program knows, and begins to look. Of the options only [WithSchema] counts.
func OpenSurvey(ctx context.Context, dsn string, opts ...Option) (_ *Survey, err error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, fmt.Errorf("survey: %w", err)
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, fmt.Errorf("survey: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
		}
	}()
	schema := &schemaName{name: o.schema}
	if err := migrate(ctx, conn, schema, false); err != nil {
		return nil, fmt.Errorf("survey: %w", err)
	}
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, fmt.Errorf("survey: %w", err)
	}
	return &Survey{conn: conn, tx: tx, db: pgdb.New(inSchema{tx, schema})}, nil
}

// Close ends the survey and its connection.
func (s *Survey) Close(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	return errors.Join(s.tx.Rollback(ctx), s.conn.Close(ctx))
}

// Counts returns how many jobs there are, by type, version and queue.
func (s *Survey) Counts(ctx context.Context) ([]SurveyCount, error) {
	rows, err := s.db.SurveyCounts(ctx)
	if err != nil {
		return nil, fmt.Errorf("survey: count jobs: %w", err)
	}
	counts := make([]SurveyCount, len(rows))
	for i, row := range rows {
		counts[i] = SurveyCount{
			TypeVersion: driver.TypeVersion{Type: row.Type, Version: row.Version},
			Queue:       row.Queue, Unfinished: row.Unfinished, Dead: row.Dead,
		}
	}
	return counts, nil
}

// Processes returns the processes that are alive, those that have been for
// longest first.
func (s *Survey) Processes(ctx context.Context) ([]SurveyedProcess, error) {
	rows, err := s.db.SurveyProcesses(ctx)
	if err != nil {
		return nil, fmt.Errorf("survey: list processes: %w", err)
	}
	processes := make([]SurveyedProcess, len(rows))
	for i, row := range rows {
		processes[i] = SurveyedProcess{Node: int(row.Number), Since: row.Since.Time}
	}
	return processes, nil
}

// Each calls do with every job that is not finished, queue by queue, and stops
// at its first error. It holds some thousand jobs in memory at a time.
func (s *Survey) Each(ctx context.Context, do func(SurveyedJob) error) error {
	next := pgdb.SurveyJobsParams{MaxJobs: surveyPage}
	for {
		rows, err := s.db.SurveyJobs(ctx, next)
		if err != nil {
			return fmt.Errorf("survey: read jobs: %w", err)
		}
		for _, row := range rows {
			job := SurveyedJob{
				TypeVersion: driver.TypeVersion{Type: row.Type, Version: row.Version},
				ID:          snowflake.ID(row.ID), Queue: row.Queue, Payload: row.Payload,
			}
			if err := do(job); err != nil {
				return err
			}
			next.Queue, next.After = row.Number, row.ID
		}
		if len(rows) < surveyPage {
			return nil
		}
	}
}
