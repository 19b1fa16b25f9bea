package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
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
	versions []TypeVersion // that the handler's definition reads
	run      func(ctx context.Context, job *Job) error
}

// NewMux returns an empty Mux.
func NewMux() *Mux { return &Mux{handlers: make(map[JobType]muxEntry)} }

// Handle sets the handler of a defined job type. A type that has one already,
// or a nil handler, is a mistake that [Worker.Run] reports before it claims
// anything. The generated Handle functions call it.
func Handle[P any](mux *Mux, def *Definition[P], handler func(ctx context.Context, job *Job, payload P) error) {
	if handler == nil {
		mux.handle(def.common, nil)
		return
	}
	mux.handle(def.common, func(ctx context.Context, job *Job, payload any) error { return handler(ctx, job, *payload.(*P)) })
}

// handle is Handle for a handler that takes a pointer to the payload.
func (m *Mux) handle(def *definition, handler func(ctx context.Context, job *Job, payload any) error) {
	if handler == nil {
		m.err = errors.Join(m.err, fmt.Errorf("mux: the handler of job type %q is nil", def.jobType))
		return
	}
	if _, ok := m.handlers[def.jobType]; ok {
		m.err = errors.Join(m.err, fmt.Errorf("mux: job type %q has two handlers", def.jobType))
		return
	}
	m.err = errors.Join(m.err, def.err)
	m.handlers[def.jobType] = muxEntry{queue: def.queue, versions: def.versions(), run: func(ctx context.Context, job *Job) error {
		payload, err := def.decode(job.PayloadVersion, job.Data)
		if err != nil {
			return err
		}
		return handler(ctx, job, payload)
	}}
}

// Queues returns the names of the queues of the handled job types, in order.
func (m *Mux) Queues() []string {
	queues := make(map[string]bool)
	for _, e := range m.handlers {
		queues[e.queue] = true
	}
	return slices.Sorted(maps.Keys(queues))
}

// Types returns the handled job types in order.
func (m *Mux) Types() []JobType { return slices.Sorted(maps.Keys(m.handlers)) }

// reads reports whether the mux has a handler for jobs of this type and
// version.
func (m *Mux) reads(job *Job) bool {
	return slices.Contains(m.handlers[job.Type].versions, TypeVersion{job.Type, job.PayloadVersion})
}
