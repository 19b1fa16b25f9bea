package sqlite

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"github.com/jobgen/jobgen/runtime/internal/wake"
)

// A watcher finds out about the commits of other processes, and of callers'
// own transactions, from when somebody in this process first waits for jobs of a
// queue, and while somebody watches claims. It asks a connection
// of its own whether the file has changed, every millisecond at first and
// every maxWatch once nothing happens, and reads the queues' counters when it
// has.
type watcher struct {
	db     *sql.DB
	queues *queueStates
	began  *wake.One // somebody began to wait

	mu      sync.Mutex
	waiters int
}

func newWatcher(db *sql.DB, queues *queueStates) *watcher {
	return &watcher{db: db, queues: queues, began: wake.NewOne()}
}

const (
	minWatch = time.Millisecond
	maxWatch = 10 * time.Millisecond
)

// enter begins a wait, and leave ends it.
func (w *watcher) enter() {
	w.mu.Lock()
	w.waiters++
	w.mu.Unlock()
	w.began.Wake()
}

func (w *watcher) leave() {
	w.mu.Lock()
	w.waiters--
	w.mu.Unlock()
}

func (w *watcher) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.waiters == 0
}

// run watches until ctx ends.
func (w *watcher) run(ctx context.Context) {
	var c *connection
	defer func() { c.close() }()
	var seen int64
	pause := minWatch
	timer := time.NewTimer(0)
	defer timer.Stop()
	// A look takes microseconds; to make it stop early would cost more.
	looking := context.WithoutCancel(ctx)
	for {
		if w.idle() {
			seen = 0 // whoever comes next learns what happened meanwhile
			if w.began.Wait(ctx) != nil {
				return
			}
		} else {
			timer.Reset(pause)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return
			}
		}
		pause = min(pause*9/8, maxWatch)
		if c == nil {
			var err error
			if c, err = connect(looking, w.db); err != nil {
				pause = maxWatch
				continue
			}
		}
		var version int64
		err := c.QueryRowContext(looking, "PRAGMA data_version").Scan(&version)
		if err == nil && version == seen {
			continue
		}
		if err == nil {
			err = w.look(looking, c)
		}
		if err != nil {
			c.close()
			c, seen = nil, 0
			continue
		}
		seen, pause = version, minWatch
	}
}

// look reads the counters of all queues and wakes whoever has to know.
func (w *watcher) look(ctx context.Context, c *connection) error {
	rows, err := c.queries.QueueCounters(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if state := w.queues.known(row.Name); state != nil {
			state.found(row.Number, counters{row.Arrivals, row.Revoked})
		}
	}
	return nil
}
