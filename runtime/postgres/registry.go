package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// A registry sees to it that the database has the names which this process has
// had numbered. The database may be put back in time under a running program: by
// a restore, by a failover to a standby that had not received the last moments,
// by a switch to a subscriber. A name's number is made from the name, so what
// the process does meanwhile is right; only the name itself may be missing.
type registry struct {
	queues, handlers, workers *interned
	types                     *typeNumbers

	mu   sync.Mutex
	made map[string]int // how often each handler was made again
	seen [2]int         // how many types there were when they were made again last, and before
	back bool           // what was missing is not there yet
}

// again is called after each renewal of the lease. Names that were there before
// the last renewal are there if that is, so those that are newer are made again,
// after two renewals. Where the database went back, all are, and what is
// remembered is looked up anew. Queues are made when they are next used: another
// process may have deleted one.
func (r *registry) again(ctx context.Context, db *pgdb.Queries, holder pgtype.UUID, wentBack bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.back = r.back || wentBack
	workers, handlers := r.workers.names(), r.handlers.names()
	types, versions := r.types.known()
	if !r.back {
		old := func(name string) bool { return r.made[name] >= 2 }
		workers, handlers = slices.DeleteFunc(workers, old), slices.DeleteFunc(handlers, old)
		if r.seen == [2]int{len(types), len(types)} {
			types, versions = nil, nil
		}
	}
	handlers = slices.DeleteFunc(handlers, func(name string) bool { _, ok := r.workers.cached(name); return ok })
	if err := r.make(ctx, db, holder, workers, handlers, types, versions); err != nil {
		return err
	}
	if r.back {
		for _, i := range []*interned{r.queues, r.handlers, r.workers} {
			i.forget()
		}
		r.types.forget()
		r.made, r.seen, r.back = nil, [2]int{}, false
		return nil
	}
	if r.made == nil || len(r.made) >= 2*maxInterned {
		r.made = make(map[string]int)
	}
	for _, name := range slices.Concat(workers, handlers) {
		r.made[name]++
	}
	if len(types) > 0 {
		r.seen = [2]int{len(types), r.seen[0]}
	}
	return nil
}

func (r *registry) make(ctx context.Context, db *pgdb.Queries, holder pgtype.UUID, workers, handlers, types []string, versions []int16) (err error) {
	if len(types) > 0 {
		err = db.CreateJobTypes(ctx, pgdb.CreateJobTypesParams{Names: types, Versions: versions})
	}
	if err == nil && len(workers) > 0 {
		if r.back {
			err = db.CreateWorkersAgain(ctx, pgdb.CreateWorkersAgainParams{Names: workers, Holder: holder})
		} else {
			err = db.CreateHandlersAgain(ctx, pgdb.CreateHandlersAgainParams{Names: workers, Holder: holder})
		}
	}
	if err == nil && len(handlers) > 0 {
		err = db.CreateHandlersAgain(ctx, pgdb.CreateHandlersAgainParams{Names: handlers})
	}
	if err != nil {
		return fmt.Errorf("number names again: %w", err)
	}
	return nil
}

// used tells the database that this process still uses its handlers' names, so
// that they stay longer than the logs of their attempts.
func (r *registry) used(ctx context.Context, db *pgdb.Queries) error {
	names := r.handlers.names()
	if len(names) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return db.CreateHandlersAgain(ctx, pgdb.CreateHandlersAgainParams{Names: names})
}

func (i *interned) names() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Sorted(maps.Keys(i.numbers))
}

// forget has every name looked up again.
func (i *interned) forget() {
	i.mu.Lock()
	defer i.mu.Unlock()
	clear(i.numbers)
}
