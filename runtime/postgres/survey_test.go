package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/postgres"
)

type surveyed struct {
	Number int `json:"number"`
}

func TestASurveySeesEachUnfinishedJobOnceAndChangesNothing(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	first := runtime.Define[surveyed]("counted", "q")
	second := at(first, 2, runtime.Unchanged[surveyed](1))
	other := runtime.Define[surveyed]("other", "r", runtime.JobOptions.MaxAttempts(1))
	dsn := pooler.empty.DSN(t)
	open := func(defs ...*runtime.Definition) *postgres.Store {
		store, err := postgres.Open(ctx, dsn, runtime.NewCatalogue(defs...), odd)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		return store
	}
	old, now := open(first, other), open(second, other)
	const many = 2500 // more than a page, twice
	if _, err := runtime.EnqueueBatch(ctx, old, first, make([]surveyed, many)); err != nil {
		t.Fatal(err)
	}
	if _, err := runtime.Enqueue(ctx, now, second, &surveyed{7}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // one will be dead, one claimed
		if _, err := runtime.Enqueue(ctx, now, other, &surveyed{}); err != nil {
			t.Fatal(err)
		}
	}
	queue, err := now.GetQueue(ctx, "r")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		job, err := queue.TryClaim(ctx, "h")
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if err := job.Fail(ctx, "no"); err != nil {
				t.Fatal(err)
			}
		}
	}

	s, err := postgres.OpenSurvey(ctx, dsn, odd)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	counts, err := s.Counts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := []postgres.SurveyCount{
		{TypeVersion: driver.TypeVersion{Type: "counted", Version: 1}, Queue: "q", Unfinished: many},
		{TypeVersion: driver.TypeVersion{Type: "counted", Version: 2}, Queue: "q", Unfinished: 1},
		{TypeVersion: driver.TypeVersion{Type: "other", Version: 1}, Queue: "r", Unfinished: 1, Dead: 1},
	}
	if d := cmp.Diff(want, counts); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	// What comes later is not seen.
	if _, err := runtime.Enqueue(ctx, now, second, &surveyed{8}); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]int)
	ids := make(map[string]bool)
	err = s.Each(ctx, func(job postgres.SurveyedJob) error {
		seen[fmt.Sprintf("%s v%d in %s: %s", job.Type, job.Version, job.Queue, job.Payload)]++
		ids[job.ID.String()] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]int{`counted v1 in q: {"number":0}`: many, `counted v2 in q: {"number":7}`: 1, `other v1 in r: {"number":0}`: 1}, seen); d != "" || len(ids) != many+2 {
		t.Errorf("%d ids; (-want +got):\n%s", len(ids), d)
	}
	stop := errors.New("stop")
	if err := s.Each(ctx, func(postgres.SurveyedJob) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("error %v, want that of the function", err)
	}
}

func TestASurveyNeedsTheTables(t *testing.T) {
	t.Parallel()
	if _, err := postgres.OpenSurvey(t.Context(), pgtest.DSN(t)); err == nil || !strings.Contains(err.Error(), "migrate it first") {
		t.Errorf("error %v, want that there are none", err)
	}
	if _, err := postgres.OpenSurvey(t.Context(), pgtest.DSN(t), postgres.WithSchema("")); err == nil {
		t.Error("no error for a schema without a name")
	}
}

// at is a definition at a version of its payload, with the upgrades from the
// previous ones.
func at(def *runtime.Definition, version int16, upgrades ...runtime.Upgrade) *runtime.Definition {
	at := *def
	at.Version, at.Upgrades = version, upgrades
	return &at
}
