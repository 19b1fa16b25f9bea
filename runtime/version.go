package runtime

import (
	"context"
	"reflect"

	"github.com/jobgen/jobgen/runtime/internal/engine"
)

// An Upgrade reads payloads of one previous version of a job type and brings
// them to the next version that has an Upgrade, or to the current one. Make it
// with UpgradeFrom or Unchanged. A [Definition] has it; one without its function
// is completed by [Mux.Handle].
type Upgrade struct {
	from    int16
	in, out reflect.Type
	apply   func(context.Context, any) (any, error) // *in to *out; nil where Mux.Handle is given it
}

// upgrade calls apply. Its author is the user, so a panic becomes an error: the
// attempt fails, and the process goes on.
func (u *Upgrade) upgrade(ctx context.Context, old any) (p any, err error) {
	defer func() {
		if value := recover(); value != nil {
			p, err = nil, &PanicError{Value: value, Stack: engine.Stack()}
		}
	}()
	return u.apply(ctx, old)
}

// An upgraded payload is decoded already: the job that a handler gets has it.
type upgraded struct{ payload any }

func (u upgraded) decode(context.Context, JobType, int16, []byte) (any, error) { return u.payload, nil }

// UpgradeFrom is the upgrade from a version whose payloads are the struct Old.
// It runs as a part of the attempt, with the handler's context, and an error or a
// panic is a failure of the attempt like those of the handler. Upgrade is nil in
// a definition whose handlers bring it: see [Mux.Handle].
func UpgradeFrom[Old, New any](version int16, upgrade func(context.Context, Old) (New, error)) Upgrade {
	u := Upgrade{from: version, in: reflect.TypeFor[Old](), out: reflect.TypeFor[New]()}
	if upgrade != nil {
		u.apply = func(ctx context.Context, old any) (any, error) {
			p, err := upgrade(ctx, *old.(*Old))
			return &p, err
		}
	}
	return u
}

// Unchanged is the upgrade from a version whose payloads the struct of the
// next version reads as they are.
func Unchanged[P any](version int16) Upgrade {
	return UpgradeFrom(version, func(_ context.Context, p P) (P, error) { return p, nil })
}
