package breaking

import (
	"fmt"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/schema"
)

// A Shape is what one definition of a payload stores.
type Shape struct {
	At     diagnostic.Position // of what holds the fields
	Fields []*schema.Field
	Gone   []*schema.Field // what older payloads of the same definition may hold
}

// A Change is one difference between what two shapes store.
type Change struct {
	Rule    *Rule
	At      diagnostic.Position // in the new file; of what is gone, its surviving parent
	Was     diagnostic.Position // in the old one; zero for what is new
	Message string
	Delta
	// Do says what to do, where that is more than the rule says.
	Do string
	// Reads says that the new definition reads all that the old one wrote, as
	// far as this change goes, and ReadBack that the old one reads what the new
	// one writes.
	Reads, ReadBack bool
}

// A Comparison is all changes between two shapes.
type Comparison struct {
	Changes []Change
	// Pairs are the structs that stand in the same place, old and new.
	Pairs [][2]*schema.Type
}

// Reads reports whether the new definition reads all that the old one wrote.
func (c Comparison) Reads() bool {
	for _, change := range c.Changes {
		if !change.Reads {
			return false
		}
	}
	return true
}

// ReadBack reports whether the old definition reads all that the new one
// writes.
func (c Comparison) ReadBack() bool {
	for _, change := range c.Changes {
		if !change.ReadBack {
			return false
		}
	}
	return true
}

// Payloads compares what a job's payload was with what it is.
func Payloads(old, new Shape) Comparison {
	c := &comparer{seen: make(map[[2]*schema.Type]bool), known: compatibility{}}
	c.fields(old, new, "")
	return c.Comparison
}

type comparer struct {
	Comparison
	seen  map[[2]*schema.Type]bool
	known compatibility
}

func (c *comparer) add(rule *Rule, d Delta, at, was diagnostic.Position, reads, readBack bool, format string, args ...any) {
	c.Changes = append(c.Changes, Change{Rule: rule, Delta: d, At: at, Was: was, Message: fmt.Sprintf(format, args...), Reads: reads, ReadBack: readBack})
}

// byKey returns fields by the key that they are stored under.
func byKey(fields []*schema.Field) map[string]*schema.Field {
	m := make(map[string]*schema.Field, len(fields))
	for _, f := range fields {
		m[f.Stored()] = f
	}
	return m
}

// fields compares the fields of payloads, or of structs, of which path says
// where they are: "" or "ship_to.".
func (c *comparer) fields(old, new Shape, path string) {
	was, gone := byKey(old.Fields), byKey(old.Gone)
	for _, f := range new.Fields {
		key := f.Stored()
		name := path + f.Key.Value
		switch before := was[key]; {
		case f.Type == nil:
		case before != nil && before.Type != nil:
			c.field(before, f, name)
		case gone[key] != nil && !c.known.reads(gone[key].Type, f.Type):
			c.add(KeyReused, Delta{name, gone[key].Type.String(), f.Type.String()}, f.Key.At, gone[key].Key.At, false, true, "the field %q is stored under a key that a field of type %s had, which %s does not read",
				name, gone[key].Type, f.Type)
		case !f.Type.Optional && f.Default == nil:
			c.add(FieldAdded, Delta{name, "", f.Type.String()}, f.Key.At, diagnostic.Position{}, false, true, "the field %q is new, and required", name)
		}
	}
	is := byKey(new.Fields)
	for _, f := range old.Fields {
		if is[f.Stored()] == nil && f.Type != nil {
			without := f.Type.Optional || f.Default != nil
			c.add(FieldRemoved, Delta{path + f.Key.Value, f.Type.String(), ""}, new.At, f.Key.At, true, without, "the %s field %q is gone", presence(f), path+f.Key.Value)
		}
	}
	c.renamed(old.Fields, new.Fields, path)
}

// presence says whether payloads hold a field.
func presence(f *schema.Field) string {
	switch {
	case f.Default != nil:
		return "defaulted"
	case f.Type.Optional:
		return "optional"
	}
	return "required"
}

func (c *comparer) field(old, new *schema.Field, name string) {
	at, was := new.Key.At, old.Key.At
	switch before, now := presence(old), presence(new); {
	case before == now:
	case now == "required":
		c.add(FieldMadeRequired, Delta{name, before, now}, at, was, false, true, "the field %q was %s and is required", name, before)
	case now == "optional":
		c.add(FieldMadeOptional, Delta{name, before, now}, at, was, true, false, "the field %q was %s and is optional", name, before)
	}
	if old.Default != nil && new.Default != nil && old.Default.JSON != new.Default.JSON {
		c.add(DefaultChanged, Delta{name, old.Default.Text, new.Default.Text}, new.Default.At, old.Default.At, true, true, "the default of the field %q was %s and is %s", name, old.Default.JSON, new.Default.JSON)
	}
	before, now := *old.Type, *new.Type
	before.Optional, now.Optional = false, false // which has been compared already
	c.refs(&before, &now, at, was, name)
}

// refs compares the types of what stands in one place.
func (c *comparer) refs(old, new *schema.Ref, at, was diagnostic.Position, name string) {
	differ := func() {
		reads, readBack := c.known.reads(old, new), c.known.reads(new, old)
		switch {
		case reads && !readBack:
			c.add(FieldTypeWidened, Delta{name, old.String(), new.String()}, at, was, true, false, "the field %q was %s and is %s", name, old, new)
		case !reads:
			c.add(FieldTypeChanged, Delta{name, old.String(), new.String()}, at, was, false, readBack, "the field %q was %s and is %s", name, old, new)
		}
	}
	switch {
	case old.Optional != new.Optional && !isAny(old) && !isAny(new):
		differ()
		before, now := *old, *new
		before.Optional, now.Optional = false, false
		if len(c.Changes) > 0 && c.Changes[len(c.Changes)-1].Reads {
			c.refs(&before, &now, at, was, name)
		}
	case old.List != nil && new.List != nil:
		c.refs(old.List, new.List, at, was, name)
	case old.Map != nil && new.Map != nil:
		c.refs(old.Map, new.Map, at, was, name)
	case old.Declared != nil && new.Declared != nil && old.Declared.IsEnum == new.Declared.IsEnum:
		c.types(old.Declared, new.Declared, at, was, name)
	default:
		differ()
	}
}
