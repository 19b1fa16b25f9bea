package gotypes

import (
	"fmt"
	"go/types"
	"reflect"
	"strings"
)

// A roundTrip finds out whether a Go type comes out of encoding/json as it went
// in. A type that marshals and unmarshals itself is trusted to.
type roundTrip struct {
	seen map[place]bool
}

// A place is a type where its values can be addressed or not.
type place struct {
	types.Type
	addressable bool
}

// lost returns what of a value of type t would be lost, or "". Methods with a
// pointer receiver are found where the value is addressable.
func (r *roundTrip) lost(t types.Type, addressable bool) string {
	t = types.Unalias(t)
	here := place{t, addressable}
	if r.seen[here] {
		return ""
	}
	if r.seen == nil {
		r.seen = make(map[place]bool)
	}
	r.seen[here] = true

	if does, why := methods(t, "MarshalJSON", "UnmarshalJSON", addressable); does {
		return why
	}
	if does, why := methods(t, "MarshalText", "UnmarshalText", addressable); does {
		return why
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch {
		case u.Info()&types.IsComplex != 0, u.Kind() == types.UnsafePointer:
			return fmt.Sprintf("JSON has no %s", u)
		}
		return ""
	case *types.Pointer:
		return r.lost(u.Elem(), true)
	case *types.Slice:
		return r.lost(u.Elem(), true)
	case *types.Array:
		return r.lost(u.Elem(), addressable)
	case *types.Map:
		if why := r.key(u.Key()); why != "" {
			return why
		}
		return r.lost(u.Elem(), false)
	case *types.Struct:
		return r.structLost(t, u, addressable)
	case *types.Interface:
		return fmt.Sprintf("reading JSON does not bring back what was in the interface %s", short(t))
	case *types.Chan:
		return "JSON has no channels"
	case *types.Signature:
		return "JSON has no functions"
	}
	return fmt.Sprintf("JSON has nothing for %s", short(t))
}

func (r *roundTrip) key(t types.Type) string {
	if basic, ok := t.Underlying().(*types.Basic); ok && basic.Info()&(types.IsString|types.IsInteger) != 0 {
		return ""
	}
	if does, why := methods(t, "MarshalText", "UnmarshalText", false); does {
		return why
	}
	return fmt.Sprintf("%s cannot be the key of a JSON object", short(t))
}

func (r *roundTrip) structLost(t types.Type, s *types.Struct, addressable bool) string {
	keys := make(map[string]string, s.NumFields())
	for i := range s.NumFields() {
		field := s.Field(i)
		name := fmt.Sprintf("the field %s of %s", field.Name(), short(t))
		tag := reflect.StructTag(s.Tag(i)).Get("json")
		key, _, _ := strings.Cut(tag, ",")
		if tag == "-" {
			return name + " is left out by its tag"
		}
		if field.Embedded() && key == "" {
			elem := types.Unalias(field.Type())
			if p, ok := elem.(*types.Pointer); ok {
				if !field.Exported() {
					return name + " is a pointer that JSON cannot set"
				}
				elem = p.Elem()
			}
			if _, ok := elem.Underlying().(*types.Struct); ok || field.Exported() {
				if why := r.lost(elem, addressable); why != "" {
					return why
				}
				continue
			}
		}
		if !field.Exported() {
			return name + " is not exported"
		}
		if key == "" {
			key = field.Name()
		}
		if other, twice := keys[key]; twice {
			return fmt.Sprintf("%s and the field %s have the same key %q", name, other, key)
		}
		keys[key] = field.Name()
		if why := r.lost(field.Type(), addressable); why != "" {
			return fmt.Sprintf("in %s, %s", name, why)
		}
	}
	return ""
}

// methods reports whether t has one of the pair of methods, and why that does
// not do.
func methods(t types.Type, write, read string, addressable bool) (does bool, why string) {
	onValue, onPointer := types.NewMethodSet(t), types.NewMethodSet(types.NewPointer(t))
	if types.IsInterface(t) {
		return false, ""
	}
	has := func(set *types.MethodSet, name string) bool { return isMarshal(set, name) }
	switch writes, reads := has(onPointer, write), has(onPointer, read); {
	case !writes && !reads:
		return false, ""
	case !writes:
		return true, fmt.Sprintf("%s has %s and no %s", short(t), read, write)
	case !reads:
		return true, fmt.Sprintf("%s has %s and no %s", short(t), write, read)
	case !addressable && !has(onValue, write):
		return true, fmt.Sprintf("%s of %s has a pointer receiver, which is not found in a map: make its values optional", write, short(t))
	}
	return true, ""
}

// isMarshal reports whether set has the method, with the signature that
// encoding/json looks for.
func isMarshal(set *types.MethodSet, name string) bool {
	selection := set.Lookup(nil, name)
	if selection == nil {
		return false
	}
	s, ok := selection.Obj().Type().(*types.Signature)
	if !ok {
		return false
	}
	bytes := func(t types.Type) bool {
		slice, ok := t.Underlying().(*types.Slice)
		return ok && types.Identical(slice.Elem(), types.Typ[types.Byte])
	}
	fails := func(results *types.Tuple, i int) bool {
		return results.Len() == i+1 && types.Identical(results.At(i).Type(), types.Universe.Lookup("error").Type())
	}
	if strings.HasPrefix(name, "Un") {
		return s.Params().Len() == 1 && bytes(s.Params().At(0).Type()) && fails(s.Results(), 0)
	}
	return s.Params().Len() == 0 && fails(s.Results(), 1) && bytes(s.Results().At(0).Type())
}

// short returns t with its package's name.
func short(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string { return p.Name() })
}
