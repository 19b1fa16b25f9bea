package runtime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/jobgen/jobgen/runtime/codec"
	"github.com/jobgen/jobgen/runtime/driver"
)

// A Definition describes a job type. Generated code has one per job; it is not
// changed once it is in use.
//
// Definition is not generic, because generic code is compiled anew for each job
// type of a program. Only the generated functions are typed.
type Definition struct {
	Type    JobType
	Queue   string      // that Enqueue adds to
	Options []JobOption // that its jobs have unless the caller of Enqueue sets others

	// Payload is a nil pointer to the payload's struct, (*EmailJob)(nil). Where it
	// is a [codec.Payload], package codec writes and reads payloads, and
	// encoding/json does otherwise.
	Payload any

	// Handler is a nil handler of the job: a func(context.Context, *Job, P) error
	// where P is the payload, or a func(context.Context, *Job) error where the job
	// has none.
	Handler any

	// Call calls handler, which has the type of Handler, with what payload points
	// to.
	Call func(ctx context.Context, handler any, job *Job, payload any) error

	// Version is that of the payload; 0 is 1. New jobs are written at it.
	Version int16

	// Upgrades are those from the previous versions of which jobs may still wait, in
	// order. A worker claims those versions and the current one, and no others.
	// [Catalogue.Known] says what is wrong with them.
	Upgrades []Upgrade
}

// Define describes a job type, whose payload is the struct P, by hand.
func Define[P any](jobType JobType, queue string, options ...JobOption) *Definition {
	return &Definition{
		Type: jobType, Queue: queue, Options: options, Payload: (*P)(nil), Handler: (func(context.Context, *Job, P) error)(nil),
		Call: func(ctx context.Context, handler any, job *Job, payload any) error {
			return handler.(func(context.Context, *Job, P) error)(ctx, job, *payload.(*P))
		},
	}
}

// version is that of new jobs.
func (d *Definition) version() int16 {
	if d.Version == 0 {
		return 1
	}
	return d.Version
}

// payload returns the payload's struct, or nil where Payload is no pointer to
// one.
func (d *Definition) payload() reflect.Type {
	if t := reflect.TypeOf(d.Payload); t != nil && t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return nil
}

// check says what is wrong with the definition.
func (d *Definition) check() error {
	var all error
	mistake := func(format string, args ...any) {
		all = errors.Join(all, fmt.Errorf("job type %q: %w", d.Type, fmt.Errorf(format, args...)))
	}
	if d.payload() == nil {
		mistake("its payload is a %T, which is not a pointer", d.Payload)
	}
	if t := reflect.TypeOf(d.Handler); t == nil || t.Kind() != reflect.Func {
		mistake("its handler is a %T, which is not a function", d.Handler)
	}
	if d.Version < 0 {
		mistake("payload version %d is less than 1", d.Version)
	}
	for i, u := range d.Upgrades {
		switch {
		case u.from < 1 || u.from >= d.version():
			mistake("an upgrade from payload version %d to version %d", u.from, d.version())
		case i > 0 && u.from == d.Upgrades[i-1].from:
			mistake("payload version %d has two upgrades", u.from)
		case i > 0 && u.from < d.Upgrades[i-1].from:
			mistake("the upgrade from payload version %d stands behind that from version %d", u.from, d.Upgrades[i-1].from)
		}
		next := d.payload()
		if i+1 < len(d.Upgrades) {
			next = d.Upgrades[i+1].in
		}
		if u.out != next {
			mistake("the upgrade from payload version %d makes a %v where a %v is needed", u.from, u.out, next)
		}
	}
	return all
}

// with returns the definition's options followed by opts.
func (d *Definition) with(opts []JobOption) []JobOption {
	if len(opts) == 0 {
		return d.Options
	}
	return slices.Concat(d.Options, opts)
}

// versions returns the versions that the definition reads, in order.
func (d *Definition) versions() []driver.TypeVersion {
	read := make([]driver.TypeVersion, 0, len(d.Upgrades)+1)
	for _, u := range d.Upgrades {
		read = append(read, driver.TypeVersion{Type: string(d.Type), Version: u.from})
	}
	return append(read, driver.TypeVersion{Type: string(d.Type), Version: d.version()})
}

// encode appends the JSON of a P or *P, such as every store can keep. On an
// error, such as more than limit bytes, it returns dst.
func (d *Definition) encode(dst []byte, payload any, limit int) ([]byte, error) {
	switch v := reflect.ValueOf(payload); {
	case payload != nil && v.Type() == reflect.TypeOf(d.Payload) && !v.IsNil():
	case payload != nil && v.Type() == d.payload():
		p := reflect.New(v.Type())
		p.Elem().Set(v)
		payload = p.Interface()
	default:
		return dst, fmt.Errorf("%w: job type %q takes a %v, not a %T", ErrInvalidJobType, d.Type, d.payload(), payload)
	}
	var data []byte
	var err error
	if generated, ok := payload.(codec.Payload); ok {
		data, err = codec.Append(dst, generated)
	} else {
		data, err = codec.AppendGo(dst, payload)
	}
	if err != nil {
		return dst, encodeError(d.Type, err, limit)
	}
	if err := checkSize(d.Type, len(data)-len(dst), limit); err != nil {
		return dst, err
	}
	return data, nil
}

// withUpgrades returns the definition with the functions of its upgrades that
// are still missing.
func (d *Definition) withUpgrades(given []Upgrade) (*Definition, error) {
	with := *d
	with.Upgrades = slices.Clone(d.Upgrades)
	for _, g := range given {
		i := slices.IndexFunc(with.Upgrades, func(u Upgrade) bool { return u.from == g.from && u.in == g.in && u.out == g.out })
		switch {
		case i < 0:
			return nil, fmt.Errorf("job type %q has no upgrade from payload version %d that makes a %v of a %v", d.Type, g.from, g.out, g.in)
		case with.Upgrades[i].apply != nil:
			return nil, fmt.Errorf("job type %q has an upgrade from payload version %d already", d.Type, g.from)
		}
		with.Upgrades[i] = g
	}
	for _, u := range with.Upgrades {
		if u.apply == nil {
			return nil, fmt.Errorf("the upgrade of job type %q from payload version %d is missing", d.Type, u.from)
		}
	}
	return &with, nil
}

// decode reads a payload of any version that the definition knows as *P.
func (d *Definition) decode(ctx context.Context, version int16, data []byte) (any, error) {
	if version == d.version() {
		return decodePayload(d.Type, data, d.payload())
	}
	i := slices.IndexFunc(d.Upgrades, func(u Upgrade) bool { return u.from == version })
	if i < 0 {
		return nil, fmt.Errorf("%w: of %q this program reads payload versions %v, not %d", ErrInvalidJobType, d.Type, d.versions(), version)
	}
	p, err := decodePayload(d.Type, data, d.Upgrades[i].in)
	if err != nil {
		return nil, err
	}
	for _, u := range d.Upgrades[i:] {
		if u.apply == nil {
			return nil, fmt.Errorf("job type %q: only a handler has the upgrade from payload version %d", d.Type, u.from)
		}
		if p, err = u.upgrade(ctx, p); err != nil {
			return nil, fmt.Errorf("upgrade %s from payload version %d: %w", d.Type, u.from, err)
		}
	}
	return p, nil
}

// maxKept is the size of the largest buffer that is kept for another payload,
// or one large payload would be held for good.
const maxKept = 64 << 10

var payloadBuffers = sync.Pool{New: func() any { return new([]byte) }}

// encodePayload returns the payload as JSON, in no more memory than it needs.
func encodePayload(def *Definition, payload any, limit int) ([]byte, error) {
	buf := payloadBuffers.Get().(*[]byte)
	data, err := def.encode((*buf)[:0], payload, limit)
	if cap(data) <= maxKept {
		*buf = data
		defer payloadBuffers.Put(buf) // once data has been copied
	}
	if err != nil {
		return nil, err
	}
	return bytes.Clone(data), nil
}
