package postgres_test

import (
	"fmt"
	"testing"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/postgres"
)

func TestTheFirstJobIsOneThatTheHandlerUnderstands(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	other := runtime.Define[note]("other", "notes", runtime.JobOptions.MaxWorkDuration(0))
	store, err := postgres.Open(t.Context(), dsn, runtime.NewCatalogue(noteJob, other))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	add(t, store, 1)
	queue := notes(t, store).Driver()
	for _, priority := range []int16{0, 9} {
		if _, err := runtime.Enqueue(t.Context(), store, other, &note{}, runtime.JobPriority(priority)); err != nil {
			t.Fatal(err)
		}
	}
	for _, from := range []driver.ClaimFrom{driver.FromWaiting, driver.FromWaiting, driver.FromExpired} {
		claimed, err := queue.Claim(t.Context(), driver.ClaimRequest{
			Handler: fmt.Sprint("h", from), From: from, Limit: 1, LowestFirst: true,
			Types: []driver.TypeVersion{{Type: "other", Version: 1}},
		})
		if err != nil || len(claimed.Rows) != 1 || claimed.Rows[0].Type.Type != "other" {
			t.Fatalf("claimed %+v, error %v", claimed.Rows, err)
		}
		if from == driver.FromExpired && claimed.Rows[0].Priority != 9 {
			t.Errorf("stole a job of priority %d first, want 9", claimed.Rows[0].Priority)
		}
	}
}

func TestCountsByTypeSayWhetherThereAreMore(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	add(t, store, 3)
	for limit, more := range map[int64]bool{0: false, 2: true, 3: false} {
		stats, err := notes(t, store).Driver().Stats(t.Context(), driver.StatsRequest{Limit: limit, ByType: true})
		if err != nil || stats.More != more {
			t.Errorf("limit %d: %+v, error %v; want more %v", limit, stats, err, more)
		}
	}
}
