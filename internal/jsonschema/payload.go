package jsonschema

import (
	"encoding/json"
	"strings"

	"github.com/jobgen/jobgen/internal/fieldtype"
	"github.com/jobgen/jobgen/internal/schema"
)

// Payload returns the schema of what the generated code stores for a job of a
// file without mistakes. What has a Go type from elsewhere may be anything,
// since only that type knows.
//
// It is strict as whoever writes a payload should be: a key that the job does
// not have is refused, although a handler would pass over it. An optional field
// may be null, which reads as absent, and so may a list, a map or bytes, as
// nil is written. A field with a default may be left out.
func Payload(job *schema.Job) *Schema {
	p := &payload{defined: make(map[*schema.Type]bool)}
	s := p.object(job.Payload)
	s.Dialect, s.Title, s.Description = dialect, job.Type.Value, job.Doc
	s.Defs = p.defs
	return s
}

type payload struct {
	defs    properties
	defined map[*schema.Type]bool
}

func (p *payload) object(fields []*schema.Field) *Schema {
	s := &Schema{Type: types{"object"}, AdditionalProperties: closed{}}
	for _, f := range fields {
		field := p.value(f.Type)
		field.Description = f.Doc
		field.Deprecated = f.Deprecated.Value != ""
		if f.Default != nil {
			field.Default = json.RawMessage(f.Default.JSON)
		}
		s.Properties = append(s.Properties, property{f.Stored(), field})
		if !f.Type.Optional && f.Default == nil {
			s.Required = append(s.Required, f.Stored())
		}
	}
	return s
}

// value returns the schema of a value of a type; what it returns is the
// caller's to add to.
func (p *payload) value(ref *schema.Ref) *Schema {
	s := p.plain(ref)
	nilable := ref.Optional || ref.List != nil || ref.Map != nil || ref.Builtin != nil && ref.Builtin.Null
	switch {
	case !nilable:
	case s.Ref != "":
		s = &Schema{AnyOf: []*Schema{s, {Type: types{"null"}}}}
	case len(s.Type) > 0:
		s.Type = append(s.Type, "null")
	}
	return s
}

func (p *payload) plain(ref *schema.Ref) *Schema {
	switch {
	case ref.List != nil:
		return &Schema{Type: types{"array"}, Items: p.value(ref.List)}
	case ref.Map != nil:
		return &Schema{Type: types{"object"}, AdditionalProperties: p.value(ref.Map)}
	case ref.Declared != nil:
		p.define(ref.Declared)
		return &Schema{Ref: "#/$defs/" + ref.Declared.Name.Value}
	case ref.Name != "":
		return &Schema{Title: ref.Import + "." + ref.Name}
	}
	return builtin(ref.Builtin)
}

// define adds a declared type, and then those that it uses; a type may use
// itself.
func (p *payload) define(t *schema.Type) {
	if p.defined[t] {
		return
	}
	p.defined[t] = true
	i := len(p.defs)
	p.defs = append(p.defs, property{name: t.Name.Value})
	var s *Schema
	if t.IsEnum {
		s = &Schema{Type: types{"string"}}
		var said []string
		for _, v := range t.Enum {
			s.Enum = append(s.Enum, v.Value.Value)
			if v.Doc != "" {
				said = append(said, v.Value.Value+": "+v.Doc)
			}
		}
		s.Description = strings.Join(append([]string{t.Doc}, said...), "\n\n")
		s.Description = strings.TrimSpace(s.Description)
	} else {
		s = p.object(t.Fields)
		s.Description = t.Doc
	}
	p.defs[i].schema = s
}

// builtin returns the schema of a built-in type.
func builtin(t *fieldtype.Type) *Schema {
	s := &Schema{Title: t.JSON.Title, Format: t.JSON.Format, Pattern: t.JSON.Pattern, ContentEncoding: t.JSON.ContentEncoding}
	if t.JSON.Type != "" {
		s.Type = types{t.JSON.Type}
	}
	if r := t.JSON.Range; r != nil {
		s.Minimum, s.Maximum = ptr(r[0]), ptr(r[1])
	}
	return s
}
