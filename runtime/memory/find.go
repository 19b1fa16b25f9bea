package memory

import (
	"context"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime/driver"
)

// Find implements [driver.Store].
func (s store) Find(ctx context.Context, id snowflake.ID) (found driver.Found, ok bool, err error) {
	found, err = locked(ctx, s, func() (driver.Found, error) {
		for name, q := range s.queues {
			if r := (access{q, s}).get(id); r != nil && q.exists(s.tx) {
				ok = true
				return r.found(name, s), nil
			}
		}
		return driver.Found{}, nil
	})
	return found, ok, err
}

// found is the record as Find returns it.
func (r *record) found(queue string, s store) driver.Found {
	f := driver.Found{Row: r.snapshot(), Queue: queue, State: driver.JobWaiting, Ended: r.over}
	switch r.state {
	case live:
		if r.running(s.time()) {
			f.State, f.Handler = driver.JobClaimed, r.attempts[r.current()].handler
		}
	case finished:
		f.State = driver.JobDone
		f.Row = driver.Row{ID: f.ID, Type: f.Type, Attempts: f.Attempts}
	case cancelled:
		f.State = driver.JobCancelled
	case dead:
		f.State = driver.JobDead
	}
	return f
}
