package breaking

import (
	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/schema"
)

// types compares two structs or two enums, each pair once.
func (c *comparer) types(old, new *schema.Type, at, was diagnostic.Position, name string) {
	pair := [2]*schema.Type{old, new}
	if c.seen[pair] {
		return
	}
	c.seen[pair] = true
	if !old.IsEnum {
		c.Pairs = append(c.Pairs, pair)
		c.fields(Shape{old.Name.At, old.Fields, old.Gone}, Shape{new.Name.At, new.Fields, new.Gone}, name+".")
		return
	}
	is, had := values(new), values(old)
	for _, v := range old.Enum {
		if _, ok := is[v.Value.Value]; !ok {
			c.add(EnumValueRemoved, Delta{name, v.Value.Value, ""}, new.Name.At, v.Value.At, false, true, "the value %q of %q, the type of the field %q, is gone", v.Value.Value, new.Name.Value, name)
		}
	}
	for _, v := range new.Enum {
		if _, ok := had[v.Value.Value]; !ok {
			c.add(EnumValueAdded, Delta{name, "", v.Value.Value}, v.Value.At, old.Name.At, true, false, "the value %q of %q, the type of the field %q, is new", v.Value.Value, new.Name.Value, name)
		}
	}
	c.reworded(old, new, name)
}

func values(t *schema.Type) map[string]*schema.EnumValue {
	m := make(map[string]*schema.EnumValue, len(t.Enum))
	for _, v := range t.Enum {
		m[v.Value.Value] = v
	}
	return m
}
