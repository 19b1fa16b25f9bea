package runtime_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/codec"
	"github.com/jobgen/jobgen/runtime/memory"
)

// fragile panics while it is written where it holds "write", and while it is
// read where it holds "read".
type fragile string

func (f fragile) MarshalJSON() ([]byte, error) {
	if f == "write" {
		panic("write")
	}
	return []byte(`"` + f + `"`), nil
}

func (f *fragile) UnmarshalJSON(data []byte) error {
	*f = fragile(strings.Trim(string(data), `"`))
	if *f == "read" {
		panic("read")
	}
	return nil
}

type fragileJob struct {
	Part fragile `json:"part"`
}

func TestAPayloadThatPanicsIsAnErrorAndNotAPanic(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	def := runtime.Define[fragileJob]("fragile", "queue")
	store, err := memory.New(runtime.NewCatalogue(def))
	if err != nil {
		t.Fatal(err)
	}
	says := func(what string, err error) {
		t.Helper()
		var pe *runtime.PayloadError
		var panicked *codec.PanicError
		if !errors.As(err, &pe) || pe.Field != "part" || !errors.As(err, &panicked) || panicked.Value == nil {
			t.Errorf("%s: %v, want a PayloadError at part that says a method panicked", what, err)
		}
	}
	_, err = runtime.Enqueue(ctx, store, def, &fragileJob{"write"})
	says("enqueue", err)
	_, err = runtime.EnqueueBatch(ctx, store, def, []fragileJob{{"ok"}, {"write"}})
	says("enqueue a batch", err)

	if _, err := runtime.Enqueue(ctx, store, def, &fragileJob{"read"}); err != nil {
		t.Fatal(err)
	}
	queue, err := store.GetQueue(ctx, "queue")
	if err != nil {
		t.Fatal(err)
	}
	job, err := queue.TryClaim(ctx, "handler")
	if err != nil {
		t.Fatal(err)
	}
	_, err = job.Payload()
	says("decode", err)
}

func TestAnUpgradeThatPanicsIsAnErrorAndNotAPanic(t *testing.T) {
	t.Parallel()
	at1 := runtime.Define[fragileJob]("fragile", "queue")
	at2 := at(at1, 2, runtime.UpgradeFrom(1, func(context.Context, fragileJob) (fragileJob, error) { panic("upgrade") }))
	old, err := memory.New(runtime.NewCatalogue(at1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runtime.Enqueue(t.Context(), old, at1, &fragileJob{"ok"}); err != nil {
		t.Fatal(err)
	}
	store, err := old.Open(runtime.NewCatalogue(at2))
	if err != nil {
		t.Fatal(err)
	}
	queue, err := store.GetQueue(t.Context(), "queue")
	if err != nil {
		t.Fatal(err)
	}
	job, err := queue.TryClaim(t.Context(), "handler")
	if err != nil {
		t.Fatal(err)
	}
	var panicked *runtime.PanicError
	if _, err = job.Payload(); !errors.As(err, &panicked) || !strings.Contains(err.Error(), "upgrade fragile from payload version 1") {
		t.Errorf("%v, want the panic of the upgrade", err)
	}
}
