package runtime_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/memory"
)

// What generated code cannot get wrong, code by hand can.
func TestADefinitionTakesItsOwnPayloadAlone(t *testing.T) {
	t.Parallel()
	store, err := memory.New(runtime.NewCatalogue(noteJob))
	if err != nil {
		t.Fatal(err)
	}
	for name, payload := range map[string]any{
		"nil": nil, "a nil pointer": (*note)(nil), "another struct": &memo{}, "another struct's value": memo{}, "a pointer to a pointer": new(*note), "no struct": 7,
	} {
		if id, err := runtime.Enqueue(t.Context(), store, noteJob, payload); !errors.Is(err, runtime.ErrInvalidJobType) || !strings.Contains(err.Error(), "takes a runtime_test.note") {
			t.Errorf("%s: job %d, error %v", name, id, err)
		}
	}
	for name, payloads := range map[string]any{"nil": nil, "one": note{}, "another struct": []memo{{}}, "an array": [1]note{}} {
		if ids, err := runtime.EnqueueBatch(t.Context(), store, noteJob, payloads); !errors.Is(err, runtime.ErrInvalidJobType) || len(ids) > 0 {
			t.Errorf("many, %s: jobs %v, error %v", name, ids, err)
		}
	}
	for name, payload := range map[string]any{"the struct": note{}, "a pointer to it": &note{}} {
		if _, err := runtime.Enqueue(t.Context(), store, noteJob, payload); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if ids, err := runtime.EnqueueBatch(t.Context(), store, noteJob, []note{{}, {}}); err != nil || len(ids) != 2 {
		t.Errorf("jobs %v, error %v", ids, err)
	}
}

func TestAHandlerOfAnotherTypeIsAMistakeOfTheMux(t *testing.T) {
	t.Parallel()
	store, err := memory.New(runtime.NewCatalogue(noteJob))
	if err != nil {
		t.Fatal(err)
	}
	for name, handler := range map[string]any{
		"of another payload":   func(context.Context, *runtime.Job, memo) error { return nil },
		"of a pointer":         func(context.Context, *runtime.Job, *note) error { return nil },
		"that returns nothing": func(context.Context, *runtime.Job, note) {},
		"that is no function":  note{},
	} {
		mux := runtime.NewMux()
		mux.Handle(noteJob, handler)
		err := runtime.NewWorker(store, mux).Run(t.Context())
		if want := "where a func(context.Context, *runtime.Job, runtime_test.note) error is needed"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v; want %q", name, err, want)
		}
	}
}

func TestADefinitionNeedsAPointerToItsPayload(t *testing.T) {
	t.Parallel()
	for _, payload := range []any{nil, note{}} {
		def := &runtime.Definition{Type: "note", Queue: "notes", Payload: payload}
		if _, err := runtime.NewCatalogue(def).Known(); err == nil || !strings.Contains(err.Error(), "not a pointer") {
			t.Errorf("payload %v: error %v", payload, err)
		}
		mux := runtime.NewMux()
		mux.Handle(def, func(context.Context, *runtime.Job, note) error { return nil })
		if err := runtime.NewWorker(nil, mux).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "not a pointer") {
			t.Errorf("payload %v: the worker's error %v", payload, err)
		}
	}
}

// As generated code describes a job that has no fields.
func TestAHandlerOfAJobWithoutPayloadTakesNone(t *testing.T) {
	inBubble(t, func(t *testing.T, _ *memory.Store) {
		ping := &runtime.Definition{
			Type: "ping", Queue: "pings", Payload: (*struct{})(nil), Handler: (func(context.Context, *runtime.Job) error)(nil),
			Call: func(ctx context.Context, handler any, job *runtime.Job, _ any) error {
				return handler.(func(context.Context, *runtime.Job) error)(ctx, job)
			},
		}
		store, err := memory.New(runtime.NewCatalogue(ping))
		if err != nil {
			t.Fatal(err)
		}
		want, err := runtime.Enqueue(t.Context(), store, ping, &struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		handled := make(chan string, 1)
		mux := runtime.NewMux()
		mux.Handle(ping, func(_ context.Context, job *runtime.Job) error {
			handled <- job.ID.String() + string(job.Data)
			return nil
		})
		_, stop := start(t, store, mux)
		if got := <-handled; got != want.String()+"{}" {
			t.Errorf("handled %s, want %s{}", got, want)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestADefinitionNeedsTheTypeOfItsHandler(t *testing.T) {
	t.Parallel()
	for _, handler := range []any{nil, note{}} {
		def := &runtime.Definition{Type: "note", Queue: "notes", Payload: (*note)(nil), Handler: handler}
		if _, err := runtime.NewCatalogue(def).Known(); err == nil || !strings.Contains(err.Error(), "not a function") {
			t.Errorf("handler %v: error %v", handler, err)
		}
	}
}
