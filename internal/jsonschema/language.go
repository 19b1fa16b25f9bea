package jsonschema

import (
	"math"

	"github.com/jobgen/jobgen/internal/fieldtype"
	"github.com/jobgen/jobgen/internal/schema"
)

// Patterns of names and types. They say no more than all implementations of
// regular expressions understand.
const (
	plainName  = `^[A-Za-z][A-Za-z0-9_]*$`
	dottedName = `^[A-Za-z][A-Za-z0-9_.-]*$`
	queueName  = `^[^\x00-\x1f\x7f-\x9f]+$`
	importPath = `^[A-Za-z0-9_.~+-]+(/[A-Za-z0-9_.~+-]+)*$`
	dotElement = `(^|/)\.\.?(/|$)`
	duration   = `^\+?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`
	aboveZero  = `[1-9]`

	typeText  = `^\s*[^\s*?:\]}(),"'` + "`" + `\\]([^*(),"'` + "`" + `\\]*[^\s*:\[{(),"'` + "`" + `\\])?\s*$`
	elsewhere = `^\s*(\[\]|map\[|\[[^\]]*$|\{[^}]*$)|\?\s*\?`
)

// Language returns the schema of jobs.yaml. Every file that jobgen reads
// without mistakes fits it. A schema cannot say that a queue or a type is
// declared, or that two names are the same in Go. jobgen check does.
func Language() *Schema {
	fields := &Schema{
		Description:          "The fields, each a name and a type. Leave it out where there are none.",
		Type:                 types{"object", "null"},
		PropertyNames:        name(dottedName),
		AdditionalProperties: field(),
	}
	return &Schema{
		Dialect:     dialect,
		Title:       "jobs.yaml",
		Description: "The job types of one generated Go package.",
		Type:        types{"object"},
		Properties: properties{
			{"version", &Schema{Description: "The version of this language.", Const: schema.Version}},
			{"package", &Schema{
				Description: "The import path of the package to generate, in the Go module that the file is in.",
				Type:        types{"string"}, Pattern: importPath, Not: &Schema{Pattern: dotElement},
			}},
			{"defaults", options("Options for the jobs that neither set them nor are on a queue that does.", schema.InDefaults)},
			{"queues", &Schema{
				Description: "The queues, by name.", Type: types{"object", "null"},
				PropertyNames:        &Schema{Pattern: queueName, MaxLength: ptr(255)},
				AdditionalProperties: options("A queue, with options for the jobs on it that do not set them.", schema.OnQueue),
			}},
			{"types", &Schema{
				Description: "Structs and enums that payloads use, by name.", Type: types{"object", "null"},
				PropertyNames:        declaredName(),
				AdditionalProperties: declared(fields),
			}},
			{"jobs", &Schema{
				Description: "The job types, by name.", Type: types{"object"}, MinProperties: ptr(1),
				PropertyNames:        name(dottedName),
				AdditionalProperties: job(fields),
			}},
			{"accept", accepted()},
		},
		AdditionalProperties: closed{},
		Required:             []string{"version", "package", "jobs"},
		AnyOf: []*Schema{
			{Properties: properties{{"defaults", &Schema{Type: types{"object"}, Required: []string{"queue"}}}}, Required: []string{"defaults"}},
			{Properties: properties{{"jobs", &Schema{AdditionalProperties: &Schema{Type: types{"object"}, Required: []string{"queue"}}}}}},
		},
		Defs: properties{{"type", typeRef()}},
	}
}

// accepted returns the schema of what a file accepts of its change.
func accepted() *Schema {
	text := func(description string) *Schema {
		return &Schema{Description: description, Type: types{"string"}}
	}
	value := func(description string) *Schema {
		return &Schema{Description: description, Type: types{"string", "number", "boolean", "array", "object"}}
	}
	reason := text("Why the change is meant, for the review.")
	reason.Pattern = `[^\s.…]`
	return &Schema{
		Description: "Changes that jobgen breaking reports and that are meant.", Type: types{"array", "null"},
		Items: &Schema{
			Type: types{"object"}, AdditionalProperties: closed{}, Required: []string{"rule", "of", "reason"},
			Properties: properties{
				{"rule", text("The rule, such as field-removed.")},
				{"of", value("What is changed: a job, a queue or a type, or a field as job.field.")},
				{"was", value("What it was, as jobgen breaking prints it.")},
				{"is", value("What it is now, as jobgen breaking prints it.")},
				{"reason", reason},
			},
		},
	}
}

func name(pattern string) *Schema { return &Schema{Pattern: pattern, MaxLength: ptr(100)} }

func declaredName() *Schema {
	s := name(plainName)
	s.Not = &Schema{Enum: anys(fieldtype.Names())}
	return s
}

func anys(texts []string) []any {
	list := make([]any, len(texts))
	for i, text := range texts {
		list[i] = text
	}
	return list
}

// optionSchemas returns the options that a part of the file can set.
func optionSchemas(in schema.Places) properties {
	var all properties
	for _, t := range schema.Options() {
		if t.In&in == 0 {
			continue
		}
		s := &Schema{}
		switch v := t.Value.(type) {
		case schema.Whole:
			s = &Schema{Type: types{"integer"}, Minimum: &v.Low, Maximum: &v.High}
			if v.Word != "" {
				s = &Schema{AnyOf: []*Schema{s, {Const: v.Word}}}
			}
		case schema.Duration:
			s = &Schema{Type: types{"string"}, Pattern: duration, AllOf: []*Schema{{Pattern: aboveZero}}}
		}
		s.Description = t.Doc
		all = append(all, property{t.Name, s})
	}
	return all
}

func queueOption() property {
	return property{"queue", &Schema{Description: "One of those under queues.", Type: types{"string"}, Pattern: queueName, MaxLength: ptr(255)}}
}

// options returns the schema of a part of the file that sets options.
func options(description string, in schema.Places) *Schema {
	s := &Schema{Description: description, Type: types{"object", "null"}, AdditionalProperties: closed{}}
	if in == schema.InDefaults {
		s.Properties = append(s.Properties, queueOption())
	}
	s.Properties = append(s.Properties, optionSchemas(in)...)
	return s
}

func job(fields *Schema) *Schema {
	s := &Schema{Description: "A job type.", Type: types{"object", "null"}, AdditionalProperties: closed{}}
	s.Properties = append(properties{queueOption()}, optionSchemas(schema.OnJob)...)
	s.Properties = append(s.Properties,
		property{"version", &Schema{
			Description: "The version of the payload, said when a change of it needs one. That of jobs.lock unless set.",
			Type:        types{"integer"}, Minimum: ptr(int64(1)), Maximum: ptr(int64(math.MaxInt16)),
		}},
		reserved(), property{"payload", fields})
	return s
}

// field returns the schema of a field: its type, or a mapping that holds the
// type and more.
func field() *Schema {
	ref := &Schema{Ref: "#/$defs/type"}
	long := &Schema{
		Type: types{"object"},
		Properties: properties{
			{"type", ref},
			{"default", &Schema{Description: "What a stored payload without the field means.", Type: types{"string", "number", "boolean"}}},
			{"renamed_from", renamedFrom()},
			{"deprecated", &Schema{Description: "What to use instead.", Type: types{"string"}, Pattern: `\S`}},
		},
		AdditionalProperties: closed{},
		Required:             []string{"type"},
	}
	return &Schema{AnyOf: []*Schema{ref, long}}
}

func renamedFrom() *Schema {
	s := name(dottedName)
	s.Description, s.Type = "The key that the field is stored under, where it has another name now.", types{"string"}
	return s
}

func reserved() property {
	key := name(dottedName)
	key.Type = types{"string"}
	return property{"reserved", &Schema{
		Description: "Keys that fields were stored under, and that none can have again.",
		Type:        types{"array"}, UniqueItems: true, Items: key,
	}}
}

// declared returns the schema of a declared type.
func declared(fields *Schema) *Schema {
	values := &Schema{
		Description: "The values of an enum, any text.", Type: types{"array"}, MinItems: ptr(1), UniqueItems: true,
		Items: &Schema{Type: types{"string"}, Pattern: `^[^\x00]*$`},
	}
	return &Schema{
		Description: "A struct, with fields, or an enum.",
		Type:        types{"object"},
		Properties:  properties{reserved(), {"fields", fields}, {"enum", values}},
		// Either, and not both.
		AdditionalProperties: closed{},
		AnyOf:                []*Schema{{Required: []string{"fields"}, Not: &Schema{Required: []string{"enum"}}}, {Required: []string{"enum"}, Not: &Schema{Required: []string{"fields"}}}},
	}
}

// typeRef returns the schema of a field's type. The names come first, so that
// editors offer them.
func typeRef() *Schema {
	names := make([]string, 0, 2*len(fieldtype.All()))
	for _, name := range fieldtype.Names() {
		names = append(names, name, name+"?")
	}
	again := &Schema{Ref: "#/$defs/type"}
	return &Schema{
		Description: "A type: a built-in one, one under types, a Go type such as net/netip.Addr, [T] for a list, {string: T} for a map; with ? behind it for an optional one.",
		AnyOf: []*Schema{
			{Enum: anys(names)},
			{Type: types{"string"}, Pattern: typeText, Not: &Schema{Pattern: elsewhere}},
			{Type: types{"array"}, Items: again, MinItems: ptr(1), MaxItems: ptr(1)},
			{Type: types{"object"}, Properties: properties{{"string", again}}, Required: []string{"string"}, AdditionalProperties: closed{}},
		},
	}
}
