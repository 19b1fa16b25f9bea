package engine

import (
	"context"
	"errors"

	"github.com/jobgen/jobgen/runtime/driver"
)

// A guarded queue makes errors of panics, since a queue may be made of what a
// user has written.
type guarded struct{ queue driver.Queue }

func (g guarded) claim(ctx context.Context, req driver.ClaimRequest) (claimed driver.Claimed, err error) {
	defer recovered("claim", &err)
	claimed, err = g.queue.Claim(ctx, req)
	err = readOnce(err)
	if err == nil && len(claimed.Finished) != len(req.Finish) {
		return claimed, errors.New("the store did not say what became of the outcomes")
	}
	return claimed, err
}

func (g guarded) finish(ctx context.Context, handler string, outcomes []driver.Outcome) (results []driver.Result, err error) {
	defer recovered("finish", &err)
	results, err = g.queue.Finish(ctx, handler, outcomes)
	err = readOnce(err)
	if err == nil && len(results) != len(outcomes) {
		return nil, errors.New("the store did not say what became of the outcomes")
	}
	return results, err
}

func (g guarded) lost(ctx context.Context, handler string, attempts []driver.Attempt) (lost []driver.Lost, err error) {
	defer recovered("ask for lost claims", &err)
	lost, err = g.queue.Lost(ctx, handler, attempts)
	return lost, readOnce(err)
}

func (g guarded) stats(ctx context.Context, req driver.StatsRequest) (stats driver.Stats, err error) {
	defer recovered("count jobs", &err)
	stats, err = g.queue.Stats(ctx, req)
	return stats, readOnce(err)
}

// recovered makes an error of a panic while doing something.
func recovered(doing string, err *error) {
	if value := recover(); value != nil {
		*err = errors.New(doing + ": " + PanicText(value))
	}
}
