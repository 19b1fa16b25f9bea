package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// introduce makes the database know what a catalogue describes: its job types
// get numbers, its queues exist, and what it means by the types is noted, so that
// no transaction of a caller has to do any of that. A role that may not leaves
// it to others.
func introduce(ctx context.Context, d *database, known []driver.KnownType) error {
	if err := d.types.open(ctx, d.pooled, known); err != nil {
		return err
	}
	var queues []string
	for _, k := range known {
		if k.Queue != "" && !slices.Contains(queues, k.Queue) {
			queues = append(queues, k.Queue)
		}
	}
	if err := createQueues(ctx, d.pooled, queues); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		program = os.Args[0]
	}
	return describeTypes(ctx, d.pooled, known, filepath.Base(program), d.ids.holder)
}

// createQueues makes the queues that a catalogue names where they do not exist.
func createQueues(ctx context.Context, db *pgdb.Queries, names []string) error {
	if len(names) == 0 {
		return nil
	}
	if err := db.CreateQueues(ctx, names); err != nil && !leftToOthers(err) {
		return fmt.Errorf("create the catalogue's queues: %w", err)
	}
	return nil
}

// leftToOthers reports whether err says that this role, or this server, may not
// change what it was asked to.
func leftToOthers(err error) bool {
	state := sqlState(err)
	return state == notPermitted || state == readOnlyTransaction
}

// describeTypes notes what this program means by its job types. Where another
// program meant a payload that conflicts, that is a [*runtime.TypeConflictError]
// while jobs of the type exist or the other program runs; otherwise the new
// meaning is taken over.
func describeTypes(ctx context.Context, db *pgdb.Queries, known []driver.KnownType, program string, holder pgtype.UUID) error {
	names := make([]string, len(known))
	for i, k := range known {
		names[i] = k.Type
	}
	for range 5 { // programs that start at once may each replace what the other has read
		rows, err := db.JobTypeFields(ctx, names)
		if err != nil {
			return fmt.Errorf("read what job types mean: %w", err)
		}
		noted := make(map[driver.TypeVersion]pgdb.JobTypeFieldsRow, len(rows))
		for _, row := range rows {
			noted[driver.TypeVersion{Type: row.Name, Version: row.Version}] = row
		}
		params := pgdb.DescribeJobTypesParams{Program: program, Holder: holder}
		var conflicts error
		for _, k := range known {
			row, ok := noted[k.TypeVersion]
			if !ok {
				continue // this role may not have types numbered
			}
			conflict, err := conflictWith(ctx, db, k, row)
			if err != nil {
				return err
			}
			conflicts = errors.Join(conflicts, conflict)
			params.Names, params.Versions = append(params.Names, k.Type), append(params.Versions, k.Version)
			params.Known, params.Fields = append(params.Known, row.Fields), append(params.Fields, string(k.Fields))
		}
		if conflicts != nil {
			return conflicts
		}
		if len(params.Names) == 0 {
			return nil
		}
		n, err := db.DescribeJobTypes(ctx, params)
		if err != nil && leftToOthers(err) || err == nil && n == int64(len(params.Names)) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("note what job types mean: %w", err)
		}
	}
	return errors.New("note what job types mean: other programs change it all the time")
}

// conflictWith returns why this program and the one that has noted row cannot
// both use a job type, or nil.
func conflictWith(ctx context.Context, db *pgdb.Queries, k driver.KnownType, row pgdb.JobTypeFieldsRow) (conflict, err error) {
	reason := k.Fields.Conflict(driver.Fields(row.Fields))
	if reason == "" {
		return nil, nil
	}
	use, err := db.JobTypeInUse(ctx, pgdb.JobTypeInUseParams{Name: k.Type, Version: k.Version})
	if err != nil {
		return nil, fmt.Errorf("look for jobs of type %q: %w", k.Type, err)
	}
	switch {
	case use.Jobs:
		reason += "; jobs of program " + row.Program + " exist"
	case use.Lives:
		reason += "; program " + row.Program + " runs"
	default:
		return nil, nil
	}
	return &driver.TypeConflictError{Type: k.Type, Version: k.Version, Reason: reason}, nil
}
