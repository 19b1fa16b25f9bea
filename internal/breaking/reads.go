package breaking

import (
	"slices"

	"github.com/jobgen/jobgen/internal/schema"
)

// A judge knows of pairs of declared types, what was written and what reads it,
// whether the second reads all of the first. A pair that is being judged counts
// as one that does, so that types that hold themselves come to an end.
type judge map[[2]*schema.Type]bool

// enumReadAs are the built-in types that read every value of an enum.
var enumReadAs = []string{"string"}

// isAny reports whether a type takes any JSON.
func isAny(ref *schema.Ref) bool { return ref.Builtin != nil && ref.Builtin.Any }

// reads reports whether what the type from has written reads as the type to.
func (j judge) reads(from, to *schema.Ref) bool {
	switch {
	case from == nil || to == nil || isAny(to):
		return true
	case from.Optional && !to.Optional:
		return false
	case from.List != nil && to.List != nil:
		return j.reads(from.List, to.List)
	case from.Map != nil && to.Map != nil:
		return j.reads(from.Map, to.Map)
	case from.Declared != nil && to.Declared != nil:
		return j.types(from.Declared, to.Declared)
	case from.Declared != nil:
		return from.Declared.IsEnum && to.Builtin != nil && slices.Contains(enumReadAs, to.Builtin.Name)
	case from.Name != "" || to.Name != "":
		return from.Import == to.Import && from.Name == to.Name
	case from.Builtin == nil || to.Builtin == nil:
		return false
	}
	return from.Builtin == to.Builtin || slices.Contains(from.Builtin.ReadAs, to.Builtin.Name)
}

func (j judge) types(from, to *schema.Type) bool {
	pair := [2]*schema.Type{from, to}
	if known, ok := j[pair]; ok {
		return known
	}
	j[pair] = true
	switch {
	case from.IsEnum != to.IsEnum:
		j[pair] = false
	case from.IsEnum:
		is := values(to)
		for _, v := range from.Enum {
			if is[v.Value.Value] == nil {
				j[pair] = false
			}
		}
	default:
		j[pair] = j.fields(from, to)
	}
	return j[pair]
}

func (j judge) fields(from, to *schema.Type) bool {
	was, gone := byKey(from.Fields), byKey(from.Gone)
	for _, f := range to.Fields {
		if f.Type == nil {
			continue
		}
		free := f.Type.Optional || f.Default != nil
		before := was[f.Stored()]
		if before == nil {
			if before = gone[f.Stored()]; !free || before != nil && !j.reads(before.Type, f.Type) {
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
		if !j.reads(&old, &new) {
			return false
		}
	}
	return true
}
