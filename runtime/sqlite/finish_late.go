package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// finishLate ends one attempt, whatever has become of its job, and returns
// what became of the outcome; err when that is not known.
func (f finishing) finishLate(ctx context.Context, o runtime.Outcome) (verdict, err error) {
	id, number := int64(o.JobID), int64(o.AttemptNumber)
	jobs, err := f.db.Job(ctx, sqlitedb.JobParams{ID: id, Queue: f.q.number})
	if err != nil {
		return nil, err
	}
	if len(jobs) > 0 && jobs[0].Handler == (sql.NullString{String: f.handler, Valid: true}) && jobs[0].Number.Int64 == number {
		_, err := f.finishHeld(ctx, []runtime.Outcome{o})
		return nil, err
	}
	states, err := f.db.EndedState(ctx, sqlitedb.EndedStateParams{ID: id, Queue: f.q.number})
	if err != nil {
		return nil, err
	}
	winners, err := f.db.Winner(ctx, sqlitedb.WinnerParams{Job: id, Queue: f.q.number})
	if err != nil {
		return nil, err
	}
	if len(jobs) == 0 && len(states) == 0 && len(winners) == 0 {
		return runtime.ErrJobNotFound, nil
	}
	attempts, err := f.db.Attempt(ctx, sqlitedb.AttemptParams{Job: id, Number: number, Queue: f.q.number, Handler: f.handler})
	if err != nil {
		return nil, err
	}
	if len(attempts) == 0 {
		return fmt.Errorf("%w: attempt %d was never handler %q's", runtime.ErrJobNotClaimed, number, f.handler), nil
	}
	attempt := attempts[0]
	switch {
	case !o.Success && attempt.Outcome == attemptOpen:
		return nil, f.speak(ctx, attempt.Seq, attemptFailed, runtime.CleanReason(o.Reason), o.Log)
	case !o.Success && attempt.Outcome == attemptLost:
		lost := fmt.Errorf("%w: attempt %d has lost its claim", runtime.ErrJobNotClaimed, number)
		return lost, f.speak(ctx, attempt.Seq, attemptFailed, runtime.CleanReason(o.Reason), o.Log)
	case !o.Success:
		return fmt.Errorf("%w: attempt %d is over", runtime.ErrJobNotClaimed, number), nil
	case attempt.Outcome == attemptCompleted:
		return nil, nil
	case attempt.Outcome == attemptFailed:
		return fmt.Errorf("%w: attempt %d has failed", runtime.ErrJobNotClaimed, number), nil
	}
	if len(winners) > 0 {
		superseded := fmt.Errorf("%w: attempt %d has completed it", runtime.ErrJobCancelled, winners[0])
		if attempt.Outcome == attemptSuperseded {
			return superseded, nil
		}
		return superseded, f.speak(ctx, attempt.Seq, attemptSuperseded, superseded.Error(), o.Log)
	}
	if err := f.speak(ctx, attempt.Seq, attemptCompleted, "", o.Log); err != nil {
		return nil, err
	}
	if len(jobs) > 0 {
		return nil, f.finishAway(ctx, id)
	}
	return nil, f.db.DeleteEnded(ctx, sqlitedb.DeleteEndedParams{ID: id, Queue: f.q.number}) // where it was dead
}

// finishAway finishes a job that waits or is under another handler's claim.
func (f finishing) finishAway(ctx context.Context, id int64) error {
	ids := idList([]int64{id})
	if err := f.db.Leave(ctx, sqlitedb.LeaveParams{Now: f.now.UnixMicro(), Ids: ids, Queue: f.q.number}); err != nil {
		return err
	}
	claimed, err := remove(ctx, f.db, f.q.number, ids)
	if err != nil || claimed == 0 {
		return err
	}
	return f.q.revoke(ctx, f.db, f.own)
}
