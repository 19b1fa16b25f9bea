package runtime

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// A TypeVersion is a job type at one version of its payload. A program
// understands some and no others: a worker claims those alone, so that old and
// new programs can work one queue side by side.
type TypeVersion struct {
	Type    JobType
	Version int16
}

// String is "email" for version 1 and "email v2" for another.
func (v TypeVersion) String() string {
	if v.Version == 1 {
		return string(v.Type)
	}
	return fmt.Sprintf("%s v%d", v.Type, v.Version)
}

// An Upgrade reads payloads of one former version of a job type and brings
// them to the next version that has an Upgrade, or to the current one. Make it
// with UpgradeFrom or Unchanged and give it to [Definition.At].
type Upgrade struct {
	from    int16
	in, out reflect.Type
	decode  func(t JobType, data []byte) (any, error)
	apply   func(any) (any, error)
}

// UpgradeFrom is the upgrade from a version whose payloads are the struct Old.
// What upgrade returns an error for is data that does not decode.
func UpgradeFrom[Old, New any](version int16, upgrade func(Old) (New, error)) Upgrade {
	return Upgrade{
		from: version, in: reflect.TypeFor[Old](), out: reflect.TypeFor[New](),
		decode: func(t JobType, data []byte) (any, error) {
			p := new(Old)
			return p, decodePayload(t, data, p)
		},
		apply: func(old any) (any, error) {
			p, err := upgrade(*old.(*Old))
			return &p, err
		},
	}
}

// Unchanged is the upgrade from a version whose payloads the struct of the
// next version reads as they are.
func Unchanged[P any](version int16) Upgrade {
	return UpgradeFrom(version, func(p P) (P, error) { return p, nil })
}

// At returns the definition at a version of its payload, with the upgrades
// from those former versions of which jobs may still wait. New jobs are
// written at that version; a worker claims it and the former ones, and no
// others. Without At a definition is at version 1. What is wrong with the
// versions, [Catalogue.Err] says.
func (d *Definition[P]) At(version int16, upgrades ...Upgrade) *Definition[P] {
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
	next := reflect.TypeFor[P]()
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
func (d *Definition[P]) versions() []TypeVersion {
	read := make([]TypeVersion, 0, len(d.upgrades)+1)
	for _, from := range slices.Sorted(maps.Keys(d.upgrades)) {
		read = append(read, TypeVersion{d.jobType, from})
	}
	return append(read, TypeVersion{d.jobType, d.version})
}

// decode is read for a catalogue, which does not know P.
func (d *Definition[P]) decode(version int16, data []byte) (any, error) {
	p, err := d.read(version, data)
	if err != nil {
		return nil, err
	}
	return &p, nil
}

// read reads a payload of any version that the definition knows.
func (d *Definition[P]) read(version int16, data []byte) (p P, err error) {
	if version == d.version {
		err = decodePayload(d.jobType, data, &p)
		return p, err
	}
	u, ok := d.upgrades[version]
	if !ok {
		return p, fmt.Errorf("%w: of %q this program reads payload versions %v, not %d", ErrInvalidJobType, d.jobType, d.versions(), version)
	}
	former, err := u.decode(d.jobType, data)
	if err != nil {
		return p, err
	}
	for _, from := range slices.Sorted(maps.Keys(d.upgrades)) {
		if from < version {
			continue
		}
		if former, err = d.upgrades[from].apply(former); err != nil {
			return p, &PayloadError{Type: d.jobType, Err: fmt.Errorf("upgrade from version %d: %w", from, err)}
		}
	}
	return *former.(*P), nil
}
