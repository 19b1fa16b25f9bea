package memory

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime/driver"
)

// Stats implements [driver.Queue].
func (q access) Stats(ctx context.Context, req driver.StatsRequest) (driver.Stats, error) {
	return locked(ctx, q.store, func() (stats driver.Stats, err error) {
		var some []*record
		for r := range q.visible() {
			if r.state == live {
				some = append(some, r)
			}
		}
		slices.SortFunc(some, func(a, b *record) int { return inClaimOrder(a.job, b.job) })
		if req.ByType && req.Limit > 0 && int64(len(some)) > req.Limit {
			some, stats.More = some[:req.Limit], true
		}
		now := q.store.time()
		byType := make(map[driver.TypeVersion]driver.Counts)
		for _, r := range some {
			r.count(&stats.Counts, now)
			counts := byType[r.job.Type]
			r.count(&counts, now)
			byType[r.job.Type] = counts
		}
		if req.ByType {
			for of, counts := range byType {
				stats.ByType = append(stats.ByType, driver.TypeCounts{TypeVersion: of, Counts: counts})
			}
			slices.SortFunc(stats.ByType, func(a, b driver.TypeCounts) int {
				return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Version, b.Version))
			})
		}
		return stats, nil
	})
}

// count adds a live job to counts.
func (r *record) count(counts *driver.Counts, now time.Time) {
	if r.running(now) {
		counts.Claimed++
	} else {
		counts.Waiting++
	}
	if !r.job.Due.After(now) {
		counts.Due++
	}
}

// Log implements [driver.Queue].
func (q access) Log(ctx context.Context, of driver.Attempt) (log driver.Log, found bool, err error) {
	log, err = locked(ctx, q.store, func() (log driver.Log, _ error) {
		r := q.get(of.Job)
		if found = r != nil && of.Number >= 0 && of.Number <= r.current(); !found {
			return log, nil
		}
		a := r.attempts[of.Number]
		return driver.Log{Handler: a.handler, Success: a.ended == completed, Reason: a.reason, Text: bytes.Clone(a.log)}, nil
	})
	return log, found, err
}

// Dead implements [driver.Queue].
func (q access) Dead(ctx context.Context, after snowflake.ID, limit int) ([]driver.Row, error) {
	return locked(ctx, q.store, func() ([]driver.Row, error) {
		var rows []driver.Row
		for r := range q.visible() {
			if r.state == dead && r.job.ID > after {
				rows = append(rows, r.snapshot())
			}
		}
		slices.SortFunc(rows, func(a, b driver.Row) int { return cmp.Compare(a.ID, b.ID) })
		return rows[:min(len(rows), limit)], nil
	})
}
