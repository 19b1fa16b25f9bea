package breaking

import (
	"slices"

	"github.com/jobgen/jobgen/internal/schema"
)

// A compatibility holds pairs of declared types, the one that was written and
// the one that reads it, and whether the second reads all of the first. A pair
// that is being compared counts as compatible, so recursive types come to an end.
type compatibility map[[2]*schema.Type]bool

// enumReadAs are the built-in types that read every value of an enum.
var enumReadAs = []string{"string"}

// isAny reports whether a type takes any JSON.
func isAny(ref *schema.Ref) bool { return ref.Builtin != nil && ref.Builtin.Any }

// reads reports whether what the type from has written reads as the type to.
func (c compatibility) reads(from, to *schema.Ref) bool {
	switch {
	case from == nil || to == nil || isAny(to):
		return true
	case from.Optional && !to.Optional:
		return false
	case from.List != nil && to.List != nil:
		return c.reads(from.List, to.List)
	case from.Map != nil && to.Map != nil:
		return c.reads(from.Map, to.Map)
	case from.Declared != nil && to.Declared != nil:
		return c.types(from.Declared, to.Declared)
	case from.Declared != nil:
		return from.Declared.IsEnum && to.Builtin != nil && slices.Contains(enumReadAs, to.Builtin.Name)
	case from.Name != "" || to.Name != "":
		return from.Import == to.Import && from.Name == to.Name
	case from.Builtin == nil || to.Builtin == nil:
		return false
	}
	return from.Builtin == to.Builtin || slices.Contains(from.Builtin.ReadAs, to.Builtin.Name)
}

func (c compatibility) types(from, to *schema.Type) bool {
	pair := [2]*schema.Type{from, to}
	if known, ok := c[pair]; ok {
		return known
	}
	c[pair] = true
	switch {
	case from.IsEnum != to.IsEnum:
		c[pair] = false
	case from.IsEnum:
		is := values(to)
		for _, v := range from.Enum {
			if is[v.Value.Value] == nil {
				c[pair] = false
			}
		}
	default:
		c[pair] = c.fields(from, to)
	}
	return c[pair]
}

func (c compatibility) fields(from, to *schema.Type) bool {
	was, gone := byKey(from.Fields), byKey(from.Gone)
	for _, f := range to.Fields {
		if f.Type == nil {
			continue
		}
		free := f.Type.Optional || f.Default != nil
		before := was[f.Stored()]
		if before == nil {
			if before = gone[f.Stored()]; !free || before != nil && !c.reads(before.Type, f.Type) {
				return false
			}
			continue
		}
		if before.Type == nil {
			continue
		}
		if !free && presence(before) != "required" {
			return false
		}
		old, new := *before.Type, *f.Type
		old.Optional, new.Optional = false, false
		if !c.reads(&old, &new) {
			return false
		}
	}
	return true
}
