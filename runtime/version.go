package runtime

import (
	"fmt"
	"reflect"

	"github.com/jobgen/jobgen/runtime/internal/engine"
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

// An Upgrade reads payloads of one previous version of a job type and brings
// them to the next version that has an Upgrade, or to the current one. Make it
// with UpgradeFrom or Unchanged; a [Definition] has it.
type Upgrade struct {
	from    int16
	in, out reflect.Type
	apply   func(any) (any, error) // *in to *out
}

// upgrade calls apply. Its author is the user, so a panic becomes an error: the
// attempt fails, and the process goes on.
func (u *Upgrade) upgrade(old any) (p any, err error) {
	defer func() {
		if value := recover(); value != nil {
			p, err = nil, &PanicError{Value: value, Stack: engine.Stack()}
		}
	}()
	return u.apply(old)
}

// UpgradeFrom is the upgrade from a version whose payloads are the struct Old.
// An error of upgrade is a failure like one of the handler's.
func UpgradeFrom[Old, New any](version int16, upgrade func(Old) (New, error)) Upgrade {
	return Upgrade{
		from: version, in: reflect.TypeFor[Old](), out: reflect.TypeFor[New](),
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
