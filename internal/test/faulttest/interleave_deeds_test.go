package faulttest

import (
	"context"
	"errors"
	"fmt"

	"github.com/bwmarrin/snowflake"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/postgres"
)

// A side is one of two sessions that do something to the same job.
type side struct {
	name  string
	pool  *pgxpool.Pool // of one connection
	pid   uint32
	store *postgres.Store
	queue *runtime.Queue // of the store, or of a transaction of its own
}

// A deed is something that a side does to the job.
type deed struct {
	name string
	do   func(ctx context.Context, s *side, id snowflake.ID) string
	// bound says that it can be done in a transaction of the caller's too.
	bound bool
	// claims says that it passes a job over that another has locked.
	claims bool
}

// deeds are what is done to a job at the same time. The holder of its first
// attempt is "first", of its second "second".
var deeds = []deed{
	{"claim in a batch", func(ctx context.Context, s *side, _ snowflake.ID) string {
		req := driver.ClaimRequest{Handler: s.name, Limit: 1}
		known, err := catalogue.Known()
		if err != nil {
			return said(nil, err)
		}
		for _, k := range known {
			req.Types = append(req.Types, k.TypeVersion)
		}
		got, err := s.queue.Driver().Claim(ctx, req)
		if err != nil || len(got.Rows) == 0 {
			return said(nil, errors.Join(err, notFoundIf(err == nil)))
		}
		return claimedAs(got.Rows[0].Attempts-1, got.Rows[0].MaxAttempts-got.Rows[0].Attempts)
	}, false, true},
	{"claim", func(ctx context.Context, s *side, _ snowflake.ID) string { return said(s.queue.TryClaim(ctx, s.name)) }, true, true},
	{"steal or bury", func(ctx context.Context, s *side, _ snowflake.ID) string { return said(s.queue.TrySteal(ctx, s.name)) }, true, true},
	{"complete in a batch", finishes("first", 0, true), false, false},
	{"complete", func(ctx context.Context, s *side, id snowflake.ID) string {
		return said(nil, s.queue.Complete(ctx, id, "first", 0, nil))
	}, true, false},
	{"fail in a batch", finishes("first", 0, false), false, false},
	{"fail", func(ctx context.Context, s *side, id snowflake.ID) string {
		return said(nil, s.queue.Fail(ctx, id, "first", 0, "no luck", nil))
	}, true, false},
	{"complete as the thief", func(ctx context.Context, s *side, id snowflake.ID) string {
		return said(nil, s.queue.Complete(ctx, id, "second", 1, nil))
	}, true, false},
	{"fail as the thief", func(ctx context.Context, s *side, id snowflake.ID) string {
		return said(nil, s.queue.Fail(ctx, id, "second", 1, "no luck", nil))
	}, true, false},
	{"cancel", func(ctx context.Context, s *side, id snowflake.ID) string { return said(nil, s.queue.Cancel(ctx, id)) }, true, false},
	{"retention", func(ctx context.Context, s *side, _ snowflake.ID) string {
		// It gives up rather than wait for a lock, and has the rest to do.
		_, err := s.pool.Exec(ctx, retentionSQL)
		if pgErr := (*pgconn.PgError)(nil); errors.As(err, &pgErr) && pgErr.Code == "55P03" {
			err = nil
		}
		return said(nil, err)
	}, false, false},
}

func notFoundIf(yes bool) error {
	if yes {
		return runtime.ErrJobNotFound
	}
	return nil
}

func finishes(handler string, attempt int32, success bool) func(context.Context, *side, snowflake.ID) string {
	return func(ctx context.Context, s *side, id snowflake.ID) string {
		o := driver.Outcome{Attempt: driver.Attempt{Job: id, Number: attempt}}
		if !success {
			o.Kind, o.Reason = driver.Failed, "no luck"
		}
		results, err := s.queue.Driver().Finish(ctx, handler, []driver.Outcome{o})
		if err != nil {
			return said(nil, err)
		}
		switch results[0].Status {
		case driver.Done:
			return said(nil, nil)
		case driver.NotFound:
			return said(nil, runtime.ErrJobNotFound)
		case driver.Superseded:
			return said(nil, runtime.ErrJobCancelled)
		}
		return said(nil, runtime.ErrJobNotClaimed)
	}
}

// said is a deed's answer without what differs from run to run.
func claimedAs(attempt, remaining int32) string {
	return fmt.Sprintf("attempt %d, %d left", attempt, remaining)
}

func said(job *runtime.Job, err error) string {
	switch {
	case job != nil && err == nil:
		return claimedAs(job.AttemptNumber, job.AttemptsRemaining)
	case err == nil:
		return "ok"
	}
	for _, known := range []error{runtime.ErrJobNotFound, runtime.ErrJobNotClaimed, runtime.ErrJobCancelled} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "error: " + err.Error()
}

// A state is what the job has been through before.
type state struct {
	name    string
	prepare func(x *interleaving) snowflake.ID
}

var states = []state{
	{"waiting", func(x *interleaving) snowflake.ID { return x.add(3) }},
	{"claimed", func(x *interleaving) snowflake.ID { return x.claim(x.add(3)) }},
	{"expired", func(x *interleaving) snowflake.ID { return x.expire(x.claim(x.add(3))) }},
	{"expired in its last attempt", func(x *interleaving) snowflake.ID { return x.expire(x.claim(x.add(1))) }},
	{"claimed for its last attempt", func(x *interleaving) snowflake.ID { return x.claim(x.add(1)) }},
	{"stolen", func(x *interleaving) snowflake.ID { return x.steal(x.expire(x.claim(x.add(3)))) }},
	{"stolen, and expired again in its last attempt", func(x *interleaving) snowflake.ID {
		return x.expire(x.steal(x.expire(x.claim(x.add(2)))))
	}},
	{"cancelled long ago while it ran", func(x *interleaving) snowflake.ID {
		id := x.claim(x.add(3))
		x.must(x.other.queue.Cancel(x.Context(), id))
		x.exec(agedSQL)
		return id
	}},
	{"dead", func(x *interleaving) snowflake.ID {
		id := x.expire(x.claim(x.add(1)))
		if _, err := x.other.queue.TrySteal(x.Context(), "undertaker"); !errors.Is(err, runtime.ErrJobNotFound) {
			x.Fatalf("a job without attempts was stolen: %v", err)
		}
		return id
	}},
}
