package sqlite_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/sqlite"
)

func TestClaimsExpireInTimeThoughTheClockWasSetBack(t *testing.T) {
	t.Parallel()
	const work = 5 * time.Second
	for name, claim := range map[string]func(ctx context.Context, queue *runtime.Queue) error{
		"TrySteal": func(ctx context.Context, queue *runtime.Queue) error {
			_, err := queue.TrySteal(ctx, "other")
			return err
		},
		"a worker": func(ctx context.Context, queue *runtime.Queue) error {
			claimed, err := queue.Driver().Claim(ctx, driver.ClaimRequest{Handler: "other", Limit: 10})
			if err == nil && len(claimed.Rows) == 0 {
				err = runtime.ErrJobNotFound
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := open(t, newPath(t), sqlite.WithSynchronousNormal())
			queue := notes(t, store)
			if _, err := queue.AddAndClaim(t.Context(), noteJob.Type, note{}, "h", runtime.JobOptions.MaxWorkDuration(work)); err != nil {
				t.Fatal(err)
			}
			for _, d := range []time.Duration{-time.Hour, work - 2*time.Second} {
				if err := store.Advance(t.Context(), d); err != nil {
					t.Fatal(err)
				}
				if err := claim(t.Context(), queue); !errors.Is(err, runtime.ErrJobNotFound) {
					t.Fatalf("before the claim has lasted as long as it may: %v", err)
				}
				checkTables(t, store)
			}
			if err := store.Advance(t.Context(), 2*time.Second); err != nil {
				t.Fatal(err)
			}
			if err := claim(t.Context(), queue); err != nil {
				t.Errorf("after that: %v", err)
			}
			checkTables(t, store)
		})
	}
}

func TestLeasesFromAClockThatWasSetBackEndInTime(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	db := raw(t, path)
	future := time.Now().Add(time.Hour).UnixMicro()
	if _, err := db.Exec("UPDATE jobgen_node SET holder = 'x', expires = ?", future); err != nil {
		t.Fatal(err)
	}
	// The processes may live: they have as long as a lease takes to renew theirs.
	if _, err := sqlite.Open(t.Context(), path, catalogue); err == nil {
		t.Error("a lease that may be renewed was taken")
	}
	minute := time.Minute.Microseconds()
	if latest := query[int64](t, db, "SELECT max(expires) FROM jobgen_node"); latest > time.Now().UnixMicro()+minute {
		t.Errorf("a lease lasts until %v", time.UnixMicro(latest))
	}
	if _, err := db.Exec("UPDATE jobgen_node SET expires = expires - ?", minute); err != nil {
		t.Fatal(err)
	}
	store := open(t, path)
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	if n := query[int](t, db, "SELECT count(*) FROM jobgen_node WHERE holder IS NULL"); n != 1 {
		t.Errorf("%d numbers are free; want the one that was given back", n)
	}
	// A number that was given back is free, whatever its time.
	if _, err := db.Exec("UPDATE jobgen_node SET expires = ?", future); err != nil {
		t.Fatal(err)
	}
	open(t, path)
}
