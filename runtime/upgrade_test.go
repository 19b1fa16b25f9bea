package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/memory"
)

// memoAt2ByHandler is as generated code describes a job: the upgrade comes with
// the handler.
var memoAt2ByHandler = at(runtime.Define[memoV2]("memo", "memos", runtime.JobMaxAttempts(3)), 2, runtime.UpgradeFrom[memoV1, memoV2](1, nil))

// sizes stands for the database of an application.
type sizes struct{ byText map[string]string }

func (s sizes) upgrade(ctx context.Context, old memoV1) (memoV2, error) {
	if _, ok := ctx.Deadline(); !ok {
		return memoV2{}, errors.New("the context has no deadline")
	}
	runtime.Logger(ctx).Info("upgraded", "text", old.Text)
	switch size := s.byText[old.Text]; size {
	case "":
		return memoV2{}, fmt.Errorf("nothing is known of %s", old.Text)
	case "panic":
		panic("the upgrade panicked")
	default:
		return memoV2{Text: old.Text, Size: size}, nil
	}
}

// storeWithMemos returns a store of the newer program in which jobs of the older
// one wait.
func storeWithMemos(t *testing.T, texts ...string) *memory.Store {
	t.Helper()
	old, err := memory.New(runtime.NewCatalogue(memoAt1))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		if _, err := runtime.Enqueue(t.Context(), old, memoAt1, &memoV1{text}, runtime.JobMaxAttempts(2)); err != nil {
			t.Fatal(err)
		}
	}
	store, err := old.Open(runtime.NewCatalogue(memoAt2ByHandler))
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestAnUpgradeHasTheContextOfTheAttemptAndWhatMainHasOpened(t *testing.T) {
	inBubble(t, func(t *testing.T, _ *memory.Store) {
		store := storeWithMemos(t, "letter")
		handled := make(chan []any, 1)
		mux := runtime.NewMux()
		mux.Handle(memoAt2ByHandler, func(_ context.Context, job *runtime.Job, m memoV2) error {
			payload, err := job.Payload()
			handled <- []any{m, payload, err}
			return nil
		}, runtime.UpgradeFrom(1, sizes{map[string]string{"letter": "A4"}}.upgrade))
		_, stop := start(t, store, mux)
		want := memoV2{Text: "letter", Size: "A4"}
		if d := cmp.Diff([]any{want, &want, nil}, <-handled); d != "" {
			t.Errorf("the handler got (-want +got):\n%s", d)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAnUpgradeThatFailsOrPanicsFailsTheAttempt(t *testing.T) {
	inBubble(t, func(t *testing.T, _ *memory.Store) {
		store := storeWithMemos(t, "unknown", "bad")
		mux := runtime.NewMux()
		mux.Handle(memoAt2ByHandler, func(context.Context, *runtime.Job, memoV2) error { return errors.New("it was handled") },
			runtime.UpgradeFrom(1, sizes{map[string]string{"bad": "panic"}}.upgrade))
		_, stop := start(t, store, mux)
		time.Sleep(time.Hour)
		if err := stop(); err != nil {
			t.Error(err)
		}
		queue, err := store.Queue(t.Context(), "memos")
		if err != nil {
			t.Fatal(err)
		}
		dead, err := queue.DeadJobs(t.Context(), 0, 10)
		if err != nil || len(dead) != 2 {
			t.Fatalf("%d jobs are dead, error %v; want both", len(dead), err)
		}
		for i, want := range []string{"upgrade memo from payload version 1: nothing is known of unknown", "the upgrade panicked"} {
			for attempt := range int32(2) {
				log, err := queue.Log(t.Context(), dead[i].ID, attempt)
				if err != nil || !strings.Contains(log.FailureReason, want) || !strings.Contains(string(log.Log), "upgraded") {
					t.Errorf("attempt %d of job %d: %+v, error %v; want %q", attempt, i, log, err, want)
				}
			}
		}
	})
}

func TestAPayloadWithoutItsUpgradeIsAnError(t *testing.T) {
	t.Parallel()
	queue, err := storeWithMemos(t, "letter").GetQueue(t.Context(), "memos")
	if err != nil {
		t.Fatal(err)
	}
	job, err := queue.TryClaim(t.Context(), "h")
	if err != nil {
		t.Fatal(err)
	}
	if payload, err := job.Payload(); err == nil || !strings.Contains(err.Error(), "only a handler has the upgrade from payload version 1") {
		t.Errorf("decoded %v, error %v", payload, err)
	}
}

func TestAHandlerNeedsTheUpgradesOfItsJob(t *testing.T) {
	t.Parallel()
	handler := func(context.Context, *runtime.Job, memoV2) error { return nil }
	upgrade := runtime.UpgradeFrom(1, upgradeMemoV1)
	for _, c := range []struct {
		def   *runtime.Definition
		given []runtime.Upgrade
		want  string
	}{
		{memoAt2ByHandler, nil, `the upgrade of job type "memo" from payload version 1 is missing`},
		{memoAt2ByHandler, []runtime.Upgrade{upgrade, upgrade}, `has an upgrade from payload version 1 already`},
		{memoAt2, []runtime.Upgrade{upgrade}, `has an upgrade from payload version 1 already`},
		{memoAt2ByHandler, []runtime.Upgrade{runtime.UpgradeFrom(2, upgradeMemoV2)}, `has no upgrade from payload version 2`},
		{memoAt2ByHandler, []runtime.Upgrade{runtime.Unchanged[memoV1](1)}, `has no upgrade from payload version 1 that makes a runtime_test.memoV1`},
		{memoAt2ByHandler, []runtime.Upgrade{upgrade}, ""},
		{memoAt2, nil, ""},
	} {
		mux := runtime.NewMux()
		mux.Handle(c.def, handler, c.given...)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := runtime.NewWorker(storeWithMemos(t), mux, runtime.WithLogger(nil)).Run(ctx)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("error %v; want %q", err, c.want)
		}
	}
}
