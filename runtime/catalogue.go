package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jobgen/jobgen/runtime/driver"
)

// GeneratedV1 is referred to by generated code. Where it is not defined, the
// runtime is older or newer than the jobgen that made the code: bring both to
// the same version and generate again.
const GeneratedV1 = true

// A Catalogue is the set of job types that a program knows. Generated packages
// export one; a store is opened with it. It is immutable.
type Catalogue struct {
	defs       map[JobType]*Definition
	maxPayload int
	err        error
}

// NewCatalogue returns the catalogue of defs. A job type defined twice is an
// error, which Known returns and every back end reports when it is opened.
func NewCatalogue(defs ...*Definition) *Catalogue {
	c := &Catalogue{defs: make(map[JobType]*Definition, len(defs)), maxPayload: driver.MaxPayloadSize}
	for _, def := range defs {
		c.add(def)
	}
	return c
}

// JoinCatalogues returns the catalogue of all the job types of several, for a
// store that several generated packages share. Its payloads may be as large as
// those of the one that allows most.
func JoinCatalogues(catalogues ...*Catalogue) *Catalogue {
	joined := NewCatalogue()
	for _, c := range catalogues {
		if c != nil {
			joined.fail(c.err)
			joined.maxPayload = max(joined.maxPayload, c.maxPayload)
		}
		for _, t := range c.types() {
			joined.add(c.defs[t])
		}
	}
	return joined
}

// WithMaxPayloadSize returns the catalogue with another bound than
// [driver.MaxPayloadSize] on what payloads may have as JSON, from 1 byte to 16 MiB. It
// binds whoever adds jobs through a store that was opened with it; jobs that are
// there are worked whatever their size.
func (c *Catalogue) WithMaxPayloadSize(bytes int) *Catalogue {
	bounded := JoinCatalogues(c)
	bounded.maxPayload = bytes
	if bytes < 1 || bytes > driver.MaxPayloadBound {
		bounded.fail(fmt.Errorf("catalogue: a maximum of %d bytes a payload is outside 1 to %d", bytes, driver.MaxPayloadBound))
	}
	return bounded
}

func (c *Catalogue) add(def *Definition) {
	if have, ok := c.defs[def.Type]; ok && have != def {
		c.fail(fmt.Errorf("catalogue: job type %q is defined twice", def.Type))
		return
	}
	if err := errors.Join(driver.CheckName("job type", string(def.Type)), def.check()); err != nil {
		c.fail(err)
	}
	c.defs[def.Type] = def
}

// fail adds to what is wrong with a catalogue that is being made.
func (c *Catalogue) fail(err error) { c.err = errors.Join(c.err, err) }

// types returns the catalogue's job types in order.
func (c *Catalogue) types() []JobType {
	if c == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(c.defs))
}

func (c *Catalogue) lookup(t JobType) (*Definition, error) {
	if c != nil {
		if def, ok := c.defs[t]; ok {
			return def, nil
		}
	}
	return nil, fmt.Errorf("%w: %q is not in the catalogue that the store was opened with", ErrInvalidJobType, t)
}

// decode reads a payload of a type of the catalogue.
func (c *Catalogue) decode(ctx context.Context, t JobType, version int16, data []byte) (any, error) {
	def, err := c.lookup(t)
	if err != nil {
		return nil, err
	}
	return def.decode(ctx, version, data)
}

// newBatch returns a batch of jobs of a type, without payloads, and the type's
// definition.
func (c *Catalogue) newBatch(jobType JobType, opts []JobOption) (driver.Batch, *Definition, error) {
	def, err := c.lookup(jobType)
	if err != nil {
		return driver.Batch{}, nil, err
	}
	options, err := applied(opts)
	if err != nil {
		return driver.Batch{}, nil, fmt.Errorf("job type %q: %w", jobType, err)
	}
	return driver.Batch{Type: driver.TypeVersion{Type: string(jobType), Version: def.version()}, Options: options}, def, nil
}

// Known returns what a store that is opened with the catalogue has to know of
// its job types, each at all the versions of its payload that the catalogue
// reads, or what is wrong with the catalogue. Back ends call it first.
func (c *Catalogue) Known() (known []driver.KnownType, err error) {
	if c != nil && c.err != nil {
		return nil, c.err
	}
	for _, t := range c.types() {
		def := c.defs[t]
		for _, v := range def.versions() {
			payload := def.payload()
			if i := slices.IndexFunc(def.Upgrades, func(u Upgrade) bool { return u.from == v.Version }); i >= 0 {
				payload = def.Upgrades[i].in
			}
			known = append(known, driver.KnownType{
				TypeVersion: v, Queue: def.Queue, Fields: fieldsOf(payload),
			})
		}
	}
	return known, nil
}
