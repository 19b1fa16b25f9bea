package postgres

import (
	"context"
	"fmt"
	"sync"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// typeNumbers are the numbers that the database has given to job types at
// their versions.
type typeNumbers struct {
	mu      sync.Mutex
	numbers map[driver.TypeVersion]int32
}

// open learns the numbers of everything that the catalogue knows and has what
// is new numbered, so that no transaction of a caller has to. A role that may
// not is left to find the numbers there when it needs them.
func (n *typeNumbers) open(ctx context.Context, db *pgdb.Queries, known []driver.KnownType) error {
	types := make([]driver.TypeVersion, len(known))
	for i, k := range known {
		types[i] = k.TypeVersion
	}
	_, err := n.of(ctx, db, types, true)
	if state := sqlState(err); state == notPermitted || state == readOnlyTransaction {
		return nil
	}
	return err
}

// of returns the numbers of types, in their order. Where keep is false, what
// db sees may be rolled back, and is not remembered.
func (n *typeNumbers) of(ctx context.Context, db *pgdb.Queries, types []driver.TypeVersion, keep bool) ([]int32, error) {
	numbers, missing := n.cached(types)
	if !missing {
		return numbers, nil
	}
	for _, create := range []bool{false, true} {
		if create {
			params := pgdb.CreateJobTypesParams{Names: make([]string, len(types)), Versions: make([]int16, len(types))}
			for i, t := range types {
				params.Names[i], params.Versions[i] = t.Type, t.Version
			}
			if err := db.CreateJobTypes(ctx, params); err != nil {
				return nil, fmt.Errorf("number job types: %w", err)
			}
		}
		rows, err := db.JobTypes(ctx)
		if err != nil {
			return nil, fmt.Errorf("read job types: %w", err)
		}
		seen := make(map[driver.TypeVersion]int32, len(rows))
		for _, row := range rows {
			seen[driver.TypeVersion{Type: row.Name, Version: row.Version}] = row.Number
		}
		if keep {
			n.mu.Lock()
			n.numbers = seen
			n.mu.Unlock()
		}
		if numbers, missing = among(seen, types); !missing {
			return numbers, nil
		}
	}
	return nil, fmt.Errorf("number job types %v: they are deleted meanwhile", types)
}

// forget has everything looked up again.
func (n *typeNumbers) forget() (names []string, versions []int16) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for t := range n.numbers {
		names, versions = append(names, t.Type), append(versions, t.Version)
	}
	n.numbers = nil
	return names, versions
}

// known are the types that this process has seen numbered.
func (n *typeNumbers) known() (names []string, versions []int16) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for t := range n.numbers {
		names, versions = append(names, t.Type), append(versions, t.Version)
	}
	return names, versions
}

func (n *typeNumbers) cached(types []driver.TypeVersion) (numbers []int32, missing bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return among(n.numbers, types)
}

func among(numbers map[driver.TypeVersion]int32, types []driver.TypeVersion) (found []int32, missing bool) {
	found = make([]int32, len(types))
	for i, t := range types {
		number, ok := numbers[t]
		if !ok {
			return nil, true
		}
		found[i] = number
	}
	return found, false
}

// named returns the type with that number.
func (n *typeNumbers) named(ctx context.Context, db *pgdb.Queries, number int32) (driver.TypeVersion, error) {
	n.mu.Lock()
	for t, known := range n.numbers {
		if known == number {
			n.mu.Unlock()
			return t, nil
		}
	}
	n.mu.Unlock()
	rows, err := db.JobTypes(ctx)
	if err != nil {
		return driver.TypeVersion{}, fmt.Errorf("read job types: %w", err)
	}
	for _, row := range rows {
		if row.Number == number {
			return driver.TypeVersion{Type: row.Name, Version: row.Version}, nil
		}
	}
	return driver.TypeVersion{}, fmt.Errorf("a job has the unknown type number %d", number)
}

// typeNumber is the number of a job type at a version of its payload.
func (q *queue) typeNumber(ctx context.Context, t driver.TypeVersion) (int32, error) {
	q.types.mu.Lock()
	number, ok := q.types.numbers[t]
	q.types.mu.Unlock()
	if ok {
		return number, nil
	}
	numbers, err := q.types.of(ctx, q.db, []driver.TypeVersion{t}, q.tx == nil)
	if err != nil {
		return 0, err
	}
	return numbers[0], nil
}
