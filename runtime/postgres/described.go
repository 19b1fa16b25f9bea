package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// A describedType is what a program means by a job type at a version: a text of
// the fields of its payload, with their JSON and whether they must be there.
type describedType struct {
	Name    string
	Version int16
	Fields  string
}

// A PayloadMismatchError says that this program and another mean different
// payloads by one job type at one version, and that the other's is in use.
type PayloadMismatchError struct {
	// Type and Version are the job type's.
	Type    string
	Version int16
	// Program and Fields are this program and the payload that it means.
	Program, Fields string
	// OtherProgram and OtherFields are those of the program that was there first.
	OtherProgram, OtherFields string
	// Jobs says that jobs of the type wait, are claimed, or are dead and can be
	// revived; Lives that the other program runs.
	Jobs, Lives bool
}

func (e *PayloadMismatchError) Error() string {
	why := "which runs"
	if e.Jobs {
		why = "and there are jobs of it"
	}
	return fmt.Sprintf("job type %q version %d: program %q means %s by it and program %q, %s, means %s: change the payload under a new version",
		e.Type, e.Version, e.Program, e.Fields, e.OtherProgram, why, e.OtherFields)
}

// describeTypes notes what this program means by job types that are numbered.
// Where another meant something different, as same says, that is an error while
// jobs of the type are there or the other program runs; otherwise the new meaning
// is taken over. A role that may not describe types leaves them as they are.
func describeTypes(ctx context.Context, db *pgdb.Queries, types []describedType, program string, holder pgtype.UUID, same func(have, want string) bool) error {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.Name
	}
	// Programs that start at once may each replace what the other read.
	for range 5 {
		rows, err := db.JobTypeFields(ctx, names)
		if err != nil {
			return fmt.Errorf("read what job types mean: %w", err)
		}
		done := true
		for _, t := range types {
			i := slices.IndexFunc(rows, func(r pgdb.JobTypeFieldsRow) bool { return r.Name == t.Name && r.Version == t.Version })
			if i < 0 {
				continue // this role may not have types numbered
			}
			described, err := describeType(ctx, db, t, rows[i], program, holder, same)
			if state := sqlState(err); state == notPermitted || state == readOnlyTransaction {
				return nil
			}
			if err != nil {
				return err
			}
			done = done && described
		}
		if done {
			return nil
		}
	}
	return fmt.Errorf("note what job types mean: other programs change it all the time")
}

func describeType(ctx context.Context, db *pgdb.Queries, t describedType, have pgdb.JobTypeFieldsRow, program string, holder pgtype.UUID, same func(have, want string) bool) (bool, error) {
	if have.Fields != "" && !same(have.Fields, t.Fields) {
		use, err := db.JobTypeInUse(ctx, pgdb.JobTypeInUseParams{Name: t.Name, Version: t.Version})
		if err != nil {
			return false, fmt.Errorf("look for jobs of type %q: %w", t.Name, err)
		}
		if use.Jobs || use.Lives {
			return false, &PayloadMismatchError{
				Type: t.Name, Version: t.Version, Program: program, Fields: t.Fields,
				OtherProgram: have.Program, OtherFields: have.Fields, Jobs: use.Jobs, Lives: use.Lives,
			}
		}
	}
	described, err := db.DescribeJobType(ctx, pgdb.DescribeJobTypeParams{
		Name: t.Name, Version: t.Version, Known: have.Fields,
		Fields: t.Fields, Program: program, Holder: holder,
	})
	if err != nil {
		return false, fmt.Errorf("note what job type %q means: %w", t.Name, err)
	}
	return described, nil
}

// createQueues makes the queues that a program's catalogue names, where they are
// not there. A role that may not leaves that to others.
func createQueues(ctx context.Context, db *pgdb.Queries, names []string) error {
	if len(names) == 0 {
		return nil
	}
	err := db.CreateQueues(ctx, names)
	if state := sqlState(err); state == notPermitted || state == readOnlyTransaction {
		return nil
	}
	if err != nil {
		return fmt.Errorf("create queues: %w", err)
	}
	return nil
}
