package jsonschema

import (
	"bytes"
	"encoding/json"
	"fmt"
)

const dialect = "https://json-schema.org/draft/2020-12/schema"

// A Schema is a JSON Schema: what it says of a value, its keys in the order in
// which people read them. The zero Schema takes any value.
type Schema struct {
	Dialect     string `json:"$schema,omitempty"`
	Ref         string `json:"$ref,omitempty"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`

	Type  types `json:"type,omitempty"`
	Const any   `json:"const,omitempty"`
	Enum  []any `json:"enum,omitempty"`

	Pattern         string `json:"pattern,omitempty"`
	Format          string `json:"format,omitempty"`
	ContentEncoding string `json:"contentEncoding,omitempty"`
	MinLength       *int   `json:"minLength,omitempty"`
	MaxLength       *int   `json:"maxLength,omitempty"`

	Minimum *int64 `json:"minimum,omitempty"`
	Maximum *int64 `json:"maximum,omitempty"`
	Default any    `json:"default,omitempty"`

	Deprecated bool `json:"deprecated,omitempty"`

	Items       *Schema `json:"items,omitempty"`
	MinItems    *int    `json:"minItems,omitempty"`
	MaxItems    *int    `json:"maxItems,omitempty"`
	UniqueItems bool    `json:"uniqueItems,omitempty"`

	Properties           properties `json:"properties,omitempty"`
	PropertyNames        *Schema    `json:"propertyNames,omitempty"`
	AdditionalProperties any        `json:"additionalProperties,omitempty"` // a *Schema, or closed
	Required             []string   `json:"required,omitempty"`
	MinProperties        *int       `json:"minProperties,omitempty"`

	AllOf []*Schema `json:"allOf,omitempty"`
	AnyOf []*Schema `json:"anyOf,omitempty"`
	Not   *Schema   `json:"not,omitempty"`

	Defs properties `json:"$defs,omitempty"`
}

// closed is the AdditionalProperties of an object that has no others.
type closed struct{}

func (closed) MarshalJSON() ([]byte, error) { return []byte("false"), nil }

// types are the JSON types that a value can have.
type types []string

func (t types) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]string(t))
}

// properties are schemas by name, in an order.
type properties []property

type property struct {
	name   string
	schema *Schema
}

func (p properties) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, one := range p {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(one.name)
		if err != nil {
			return nil, err
		}
		value, err := encode(one.schema)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s:%s", name, value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// encode is json.Marshal with < and > as they are, which patterns and
// documentation hold.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// Text returns the schema as an indented JSON document.
func (s *Schema) Text() ([]byte, error) {
	text, err := encode(s)
	if err != nil {
		return nil, fmt.Errorf("write JSON Schema: %w", err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return nil, fmt.Errorf("write JSON Schema: %w", err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

func ptr[T any](v T) *T { return &v }
