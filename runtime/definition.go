package runtime

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// A Definition describes a job type whose payload is the struct P. Generated
// code makes one per job; it is immutable.
//
// What depends on P is a few lines and the rest is in definition: whatever is
// generic is compiled anew for each of a program's job types.
type Definition[P any] struct{ common *definition }

// Define describes a job type, its queue and the options its jobs have unless
// the caller of Enqueue sets others. Where *P has the methods that generated
// payloads have, AppendJSON(dst []byte) ([]byte, error) and UnmarshalJSON, those
// write and read the payload, and are trusted to do both to the letter of
// package codec; encoding/json does otherwise.
func Define[P any](jobType JobType, queue string, options ...JobOption) *Definition[P] {
	return &Definition[P]{&definition{
		jobType: jobType, queue: queue, options: options, version: 1,
		payload: reflect.TypeFor[P](), make: func() any { return new(P) },
		pointer: func(payload any) any {
			switch p := payload.(type) {
			case *P:
				if p != nil {
					return p
				}
			case P:
				return &p
			}
			return nil
		},
	}}
}

// At returns the definition at a version of its payload, with the upgrades
// from those former versions of which jobs may still wait. New jobs are
// written at that version; a worker claims it and the former ones, and no
// others. Without At a definition is at version 1. What is wrong with the
// versions, [Catalogue.Err] says.
func (d *Definition[P]) At(version int16, upgrades ...Upgrade) *Definition[P] {
	return &Definition[P]{d.common.at(version, upgrades)}
}

// Type returns the job type.
func (d *Definition[P]) Type() JobType { return d.common.jobType }

// Queue returns the name of the queue that Enqueue adds to.
func (d *Definition[P]) Queue() string { return d.common.queue }

func (d *Definition[P]) definition() *definition { return d.common }

// JobDefinition is a [Definition] whatever its payload.
type JobDefinition interface {
	Type() JobType
	Queue() string

	definition() *definition
}

// A definition is a Definition without the type of its payload.
type definition struct {
	jobType  JobType
	queue    string
	options  []JobOption
	version  int16
	upgrades map[int16]Upgrade // by the version that each is from
	err      error

	payload reflect.Type
	make    func() any            // a new *P
	pointer func(payload any) any // a P or *P as *P; nil for anything else
}

// with returns the definition's options followed by opts.
func (d *definition) with(opts []JobOption) []JobOption {
	if len(opts) == 0 {
		return d.options
	}
	return slices.Concat(d.options, opts)
}

func (d *definition) at(version int16, upgrades []Upgrade) *definition {
	at := *d
	at.version, at.upgrades = version, make(map[int16]Upgrade, len(upgrades))
	mistake := func(format string, args ...any) {
		at.err = errors.Join(at.err, fmt.Errorf("job type %q: %w", d.jobType, fmt.Errorf(format, args...)))
	}
	if version < 1 {
		mistake("payload version %d is less than 1", version)
	}
	for _, u := range upgrades {
		if _, ok := at.upgrades[u.from]; ok {
			mistake("payload version %d has two upgrades", u.from)
		}
		if u.from < 1 || u.from >= version {
			mistake("an upgrade from payload version %d to version %d", u.from, version)
		}
		at.upgrades[u.from] = u
	}
	next := d.payload
	for _, from := range slices.Backward(slices.Sorted(maps.Keys(at.upgrades))) {
		u := at.upgrades[from]
		if u.out != next {
			mistake("the upgrade from payload version %d makes a %v where a %v is needed", from, u.out, next)
		}
		next = u.in
	}
	return &at
}

// versions returns the versions that the definition reads, in order.
func (d *definition) versions() []TypeVersion {
	read := make([]TypeVersion, 0, len(d.upgrades)+1)
	for _, from := range slices.Sorted(maps.Keys(d.upgrades)) {
		read = append(read, TypeVersion{d.jobType, from})
	}
	return append(read, TypeVersion{d.jobType, d.version})
}

// encode appends the JSON of a P or *P, such as every store can keep. On an
// error, such as more than limit bytes, it returns dst.
func (d *definition) encode(dst []byte, payload any, limit int) ([]byte, error) {
	p := d.pointer(payload)
	if p == nil {
		return dst, fmt.Errorf("%w: job type %q takes a %v, not a %T", ErrInvalidJobType, d.jobType, d.payload, payload)
	}
	generated, ok := p.(payloadCodec)
	if !ok {
		return appendReflected(dst, d.jobType, p, limit)
	}
	data, err := generated.AppendJSON(dst)
	if err != nil {
		return dst, encodeError(d.jobType, err, limit)
	}
	if err := checkSize(d.jobType, len(data)-len(dst), limit); err != nil {
		return dst, err
	}
	return data, nil
}

// decode reads a payload of any version that the definition knows as *P.
func (d *definition) decode(version int16, data []byte) (any, error) {
	if version == d.version {
		p := d.make()
		return p, decodePayload(d.jobType, data, p)
	}
	u, ok := d.upgrades[version]
	if !ok {
		return nil, fmt.Errorf("%w: of %q this program reads payload versions %v, not %d", ErrInvalidJobType, d.jobType, d.versions(), version)
	}
	p := u.make()
	if err := decodePayload(d.jobType, data, p); err != nil {
		return nil, err
	}
	for _, from := range slices.Sorted(maps.Keys(d.upgrades)) {
		if from < version {
			continue
		}
		var err error
		if p, err = d.upgrades[from].apply(p); err != nil {
			return nil, &PayloadError{Type: d.jobType, Err: fmt.Errorf("upgrade from version %d: %w", from, err)}
		}
	}
	return p, nil
}
