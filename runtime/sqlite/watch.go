package sqlite

import (
	"context"
	"sync"
	"time"
)

// A watcher finds out about the commits of other processes, and of callers'
// own transactions, while somebody in this process waits. It asks a connection
// of its own whether the file has changed, every millisecond at first and
// every maxWatch once nothing happens, and reads the queues' calls when it has.
type watcher struct {
	core *core

	mu      sync.Mutex
	waiters int
	wanted  chan struct{} // holds a value when somebody began to wait
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
	select {
	case w.wanted <- struct{}{}:
	default:
	}
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
	// A look takes microseconds; to make it stop early would cost more than it.
	look := context.WithoutCancel(ctx)
	for {
		if w.idle() {
			seen = 0 // whoever comes next is told what happened meanwhile
			select {
			case <-w.wanted:
			case <-ctx.Done():
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
			if c, err = connect(look, w.core.watching); err != nil {
				pause = maxWatch
				continue
			}
		}
		var version int64
		err := c.QueryRowContext(look, "PRAGMA data_version").Scan(&version)
		if err == nil && version == seen {
			continue
		}
		if err == nil {
			err = w.tell(look, c)
		}
		if err != nil {
			c.close()
			c, seen = nil, 0
			continue
		}
		seen, pause = version, minWatch
	}
}

// tell passes on the calls of all queues.
func (w *watcher) tell(ctx context.Context, c *connection) error {
	rows, err := c.queries.Bells(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if h := w.core.hubs.find(row.Number); h != nil {
			h.found(calls{row.Arrivals, row.Revoked})
		}
	}
	return nil
}
