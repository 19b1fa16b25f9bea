package runtime

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/jobgen/jobgen/runtime/codec"
	"github.com/jobgen/jobgen/runtime/driver"
)

// fieldsOf describes the payload struct t, for programs that mean another by the
// same type and version. A struct that encoding/json reads in a way of its own is
// not described.
func fieldsOf(t reflect.Type) driver.Fields {
	if t == nil || t.Kind() != reflect.Struct {
		return ""
	}
	generated, isGenerated := reflect.New(t).Interface().(codec.Payload)
	if !isGenerated && writesItself(t) {
		return ""
	}
	kinds := make(map[string]string)
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous:
			return ""
		case !f.IsExported() || name == "-":
			continue
		case name == "":
			name = f.Name
		}
		kinds[name] = kindOf(f.Type)
		if slices.Contains(strings.Split(options, ","), "string") {
			kinds[name] = "string"
		}
	}
	required := make(map[string]bool)
	if isGenerated {
		for _, f := range codec.Describe(generated) {
			required[f.Name] = f.Required
		}
	}
	lines := make([]string, 0, len(kinds))
	for name, kind := range kinds {
		if !required[name] {
			kind += "?" // encoding/json reads an object without the field
		}
		lines = append(lines, fmt.Sprintf("%s %s\n", name, kind))
	}
	slices.Sort(lines)
	return driver.Fields(strings.Join(lines, ""))
}

// kindOf is the kind of JSON that values of type t are written as.
func kindOf(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Duration](), t == reflect.TypeFor[json.RawMessage]():
		return "any"
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return "string"
	case writesItself(t):
		return "any"
	}
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return "number"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "string"
		}
		return "array"
	case reflect.Array:
		return "array"
	case reflect.Map, reflect.Struct:
		return "object"
	}
	return "any"
}

// writesItself reports whether values of type t make their own JSON.
func writesItself(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[json.Marshaler]())
}
