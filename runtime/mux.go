package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/internal/engine"
)

// A Mux finds the handler of a job by the job's type. The generated Handle
// functions fill it; a [Worker] works the queues of the types it holds, and
// claims no others. Fill it before a Worker runs with it: it is not safe for
// use while handlers are added.
type Mux struct {
	handlers map[JobType]muxEntry
	err      error
}

type muxEntry struct {
	queue    string
	versions []driver.TypeVersion // that the handler's definition reads
	run      func(ctx context.Context, job *Job) error
}

// NewMux returns an empty Mux.
func NewMux() *Mux { return &Mux{handlers: make(map[JobType]muxEntry)} }

// Handle sets the handler of a defined job type, which is a
// func(context.Context, *Job, P) error where P is the type's payload, or a
// func(context.Context, *Job) error where the type has none. A type that has a
// handler already, or a handler that is nil or takes something else, is a
// mistake that [Worker.Run] reports before it claims anything. The generated
// Handle functions, which take no other handler than the type's, call it.
//
// Upgrades are those that the definition has without their functions, so that
// they can have what main has opened, such as a database. All of them are needed.
func (m *Mux) Handle(def *Definition, handler any, upgrades ...Upgrade) {
	mistake := func(format string, args ...any) { m.err = errors.Join(m.err, fmt.Errorf("mux: "+format, args...)) }
	if _, ok := m.handlers[def.Type]; ok {
		mistake("job type %q has two handlers", def.Type)
		return
	}
	if err := def.check(); err != nil {
		mistake("%w", err)
		return
	}
	def, err := def.withUpgrades(upgrades)
	if err != nil {
		mistake("%w", err)
		return
	}
	h, want := reflect.ValueOf(handler), reflect.TypeOf(def.Handler)
	switch {
	case handler == nil || h.Type() == want && h.IsNil():
		mistake("the handler of job type %q is nil", def.Type)
		return
	case h.Type() != want:
		mistake("the handler of job type %q is a %T where a %v is needed", def.Type, handler, want)
		return
	}
	m.handlers[def.Type] = muxEntry{queue: def.Queue, versions: def.versions(), run: func(ctx context.Context, job *Job) error {
		payload, err := def.decode(ctx, job.PayloadVersion, job.Data)
		if isGarbage(err) {
			return &engine.Final{Err: err}
		}
		if err != nil {
			return err
		}
		if job.PayloadVersion != def.version() {
			job.payloads = upgraded{payload}
		}
		return def.Call(ctx, handler, job, payload)
	}}
}

// queues returns the names of the queues of the handled job types, in order.
func (m *Mux) queues() []string {
	queues := make(map[string]bool)
	for _, e := range m.handlers {
		queues[e.queue] = true
	}
	return slices.Sorted(maps.Keys(queues))
}

// types returns the handled job types in order.
func (m *Mux) types() []JobType { return slices.Sorted(maps.Keys(m.handlers)) }
