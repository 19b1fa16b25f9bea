package runtime_test

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/memory"
	"github.com/jobgen/jobgen/runtime/observe"
)

type memoV1 struct {
	Text string `json:"text"`
}

type memoV2 struct {
	Text string `json:"text"`
	Size string `json:"size"`
}

type memo struct {
	Text string `json:"text"`
	Size int    `json:"size"`
}

func upgradeMemoV1(_ context.Context, old memoV1) (memoV2, error) {
	return memoV2{Text: old.Text, Size: strconv.Itoa(len(old.Text))}, nil
}

func upgradeMemoV2(_ context.Context, old memoV2) (memo, error) {
	size, err := strconv.Atoi(old.Size)
	return memo{Text: old.Text, Size: size}, err
}

var (
	memoAt1 = runtime.Define[memoV1]("memo", "memos")
	memoAt2 = at(runtime.Define[memoV2]("memo", "memos"), 2, runtime.UpgradeFrom(1, upgradeMemoV1))
	memoAt4 = at(runtime.Define[memo]("memo", "memos"), 4,
		runtime.UpgradeFrom(1, upgradeMemoV1), runtime.UpgradeFrom(2, upgradeMemoV2), runtime.Unchanged[memo](3))
)

func TestPayloadOfAFormerVersionComesUpgraded(t *testing.T) {
	t.Parallel()
	old, err := memory.New(runtime.NewCatalogue(memoAt1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runtime.Enqueue(t.Context(), old, memoAt1, &memoV1{"abc"}); err != nil {
		t.Fatal(err)
	}
	middle, err := old.Open(runtime.NewCatalogue(memoAt2))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runtime.Enqueue(t.Context(), middle, memoAt2, &memoV2{"de", "nonsense"}); err != nil {
		t.Fatal(err)
	}
	current, err := old.Open(runtime.NewCatalogue(memoAt4))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runtime.Enqueue(t.Context(), current, memoAt4, &memo{"f", 6}); err != nil {
		t.Fatal(err)
	}
	queue, err := current.GetQueue(t.Context(), "memos")
	if err != nil {
		t.Fatal(err)
	}
	claim := func() (*runtime.Job, any, error) {
		t.Helper()
		job, err := queue.TryClaim(t.Context(), "h")
		if err != nil {
			t.Fatal(err)
		}
		payload, err := job.Payload()
		return job, payload, err
	}
	job, payload, err := claim()
	if diff := cmp.Diff(any(&memo{"abc", 3}), payload); diff != "" || err != nil || job.PayloadVersion != 1 {
		t.Errorf("version %d, error %v, payload (-want +got):\n%s", job.PayloadVersion, err, diff)
	}
	job, _, err = claim()
	if wrong := (*runtime.PayloadError)(nil); errors.As(err, &wrong) || err == nil || !strings.Contains(err.Error(), "upgrade memo from payload version 2") || job.PayloadVersion != 2 {
		t.Errorf("version %d, error %v; want the error of the upgrade from version 2", job.PayloadVersion, err)
	}
	job, payload, err = claim()
	if diff := cmp.Diff(any(&memo{"f", 6}), payload); diff != "" || err != nil || job.PayloadVersion != 4 {
		t.Errorf("version %d, error %v, payload (-want +got):\n%s", job.PayloadVersion, err, diff)
	}
}

func TestPayloadOfAnUnknownVersionIsRefused(t *testing.T) {
	t.Parallel()
	current, err := memory.New(runtime.NewCatalogue(memoAt4))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runtime.Enqueue(t.Context(), current, memoAt4, &memo{"f", 6}); err != nil {
		t.Fatal(err)
	}
	old, err := current.Open(runtime.NewCatalogue(memoAt2))
	if err != nil {
		t.Fatal(err)
	}
	queue, err := old.GetQueue(t.Context(), "memos")
	if err != nil {
		t.Fatal(err)
	}
	job, err := queue.TryClaim(t.Context(), "h")
	if err != nil {
		t.Fatal(err)
	}
	if payload, err := job.Payload(); !errors.Is(err, runtime.ErrInvalidJobType) || !strings.Contains(err.Error(), "[memo memo v2], not 4") {
		t.Errorf("decoded %v, error %v", payload, err)
	}
}

func TestWorkerReportsAndCountsJobsThatItHasNoHandlerFor(t *testing.T) {
	inBubble(t, func(t *testing.T, _ *memory.Store) {
		current, err := memory.New(runtime.NewCatalogue(memoAt4))
		if err != nil {
			t.Fatal(err)
		}
		old, err := current.Open(runtime.NewCatalogue(memoAt2))
		if err != nil {
			t.Fatal(err)
		}
		var told events
		var said syncBuilder
		mux := runtime.NewMux()
		mux.Handle(memoAt2, func(context.Context, *runtime.Job, memoV2) error { return nil })
		_, stop := start(t, old, mux, runtime.WithLogger(slog.New(slog.NewTextHandler(&said, nil))), runtime.WithObserver(&told))
		if _, err := runtime.Enqueue(t.Context(), old, memoAt2, &memoV2{"read by both", "1"}); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := runtime.Enqueue(t.Context(), current, memoAt4, &memo{"new", 1}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		if looks := told.of(observe.UnhandledWaiting); len(looks) < 25 || looks[0].N != 3 || len(looks[0].Types) != 1 || looks[0].Types[0].Type != "memo" {
			t.Errorf("told of jobs that wait: %+v", looks)
		}
		if n := strings.Count(said.String(), "no handler for"); n != 1 || !strings.Contains(said.String(), "memo v4") || !strings.Contains(said.String(), "jobs=3") {
			t.Errorf("said %d times: %s", n, said.String())
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// countingQueue takes five seconds to count, as it does while a transaction
// keeps the rows of very many finished jobs.
type countingQueue struct {
	*source
	looks atomic.Int64
}

func (q *countingQueue) Stats(ctx context.Context, _ driver.StatsRequest) (driver.Stats, error) {
	q.looks.Add(1)
	select {
	case <-time.After(5 * time.Second):
		return driver.Stats{}, nil
	case <-ctx.Done():
		return driver.Stats{}, ctx.Err()
	}
}

func TestWorkerLooksLessOftenForJobsWithoutAHandlerWhereLookingIsSlow(t *testing.T) {
	inBubble(t, func(t *testing.T, _ *memory.Store) {
		q := &countingQueue{source: newSource(0)}
		_, stop := start(t, storeOf(q), handle(func(context.Context, *runtime.Job, note) error { return nil }))
		time.Sleep(10 * time.Hour)
		if n := q.looks.Load(); n < 100 || n > 135 {
			t.Errorf("%d looks of 5 s in ten hours; want a sixtieth of the time, 120", n)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestVersionsThatDoNotChainAreMistakesOfTheCatalogue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		def  *runtime.Definition
		want string
	}{
		{at(runtime.Define[memo]("memo", "memos"), -1), "payload version -1 is less than 1"},
		{at(runtime.Define[memo]("memo", "memos"), 2, runtime.Unchanged[memo](2)), "an upgrade from payload version 2 to version 2"},
		{at(runtime.Define[memo]("memo", "memos"), 2, runtime.Unchanged[memo](1), runtime.Unchanged[memo](1)), "payload version 1 has two upgrades"},
		{at(runtime.Define[memo]("memo", "memos"), 2, runtime.UpgradeFrom(1, upgradeMemoV1)), "makes a runtime_test.memoV2 where a runtime_test.memo is needed"},
	} {
		if _, err := runtime.NewCatalogue(c.def).Known(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v; want %q", err, c.want)
		}
		if _, err := memory.New(runtime.NewCatalogue(c.def)); err == nil {
			t.Errorf("a store was opened with a catalogue with the mistake: %s", c.want)
		}
	}
}
