package schema

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/jobgen/jobgen/internal/diagnostic"
)

// fields reads the fields of a payload or a struct.
func (b *builder) fields(n ast.Node, what string) []*Field {
	entries, _ := b.mapping(n, what)
	fields := make([]*Field, 0, len(entries))
	for _, e := range entries {
		b.checkName(e.key, fmt.Sprintf("field %q", e.key.Value), dottedName)
		fields = append(fields, b.field(e))
	}
	return fields
}

// field reads one field: its type, or, in the long form, a mapping that holds
// the type and more.
func (b *builder) field(e entry) *Field {
	f := &Field{Key: e.key, Doc: e.doc}
	what := fmt.Sprintf("field %q", e.key.Value)
	known := map[string]readFunc{
		"type": func(e entry) { f.Type = b.ref(e.value) },
		"renamed_from": func(e entry) {
			name, ok := b.text(e.value, "what "+what+" was renamed from")
			if ok && b.checkName(name, "the key "+strconv.Quote(name.Value), dottedName) {
				f.RenamedFrom = name
			}
		},
		"deprecated": func(e entry) {
			text, ok := b.text(e.value, "deprecated")
			if ok && strings.TrimSpace(text.Value) == "" {
				b.mistakes.Add(text.At, diagnostic.WrongKind, "deprecated is empty: say what to use instead")
			}
			f.Deprecated = text
		},
		"default": func(e entry) {
			value := e.value
			f.Default = &Default{At: start(value)}
			b.last = append(b.last, func() { b.judgeDefault(f, value, what) })
		},
	}
	if !isLong(e.value, known) {
		f.Type = b.ref(e.value)
		return f
	}
	if there := b.keys(e.value, what, known); !there["type"] {
		b.mistakes.Add(e.key.At, diagnostic.MissingKey, "%s has no type: add one, as in %s: {type: string}", what, e.key.Value)
	}
	return f
}

// isLong reports whether n is a field in the long form, and no type.
func isLong(n ast.Node, known map[string]readFunc) bool {
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	}
	for _, v := range values {
		if key, ok := v.Key.(*ast.StringNode); ok && known[key.Value] != nil {
			return true
		}
	}
	return false
}

// reserved reads the keys that no field of what can have.
func (b *builder) reserved(n ast.Node, what string) []Text {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		b.wrongKind(n, "reserved of "+what, "a list of keys")
		return nil
	}
	var keys []Text
	first := make(map[string]diagnostic.Position)
	for _, n := range list.Values {
		key, ok := b.text(n, "a reserved key of "+what)
		if !ok || !b.checkName(key, fmt.Sprintf("the reserved key %q", key.Value), dottedName) {
			continue
		}
		if earlier, twice := first[key.Value]; twice {
			b.mistakes.Add(key.At, diagnostic.ReservedKey, "the key %q is reserved already in line %d: remove one", key.Value, earlier.Line)
			continue
		}
		first[key.Value] = key.At
		keys = append(keys, key)
	}
	return keys
}

// checkStored checks the keys that fields are stored under against each other
// and against those that are reserved.
func (b *builder) checkStored(fields []*Field, reserved []Text, what string) {
	kept := make(map[string]Text, len(reserved))
	for _, key := range reserved {
		kept[key.Value] = key
	}
	first := make(map[string]*Field, len(fields))
	for _, f := range fields {
		at := f.Key.At
		if f.RenamedFrom.Value != "" {
			at = f.RenamedFrom.At
		}
		stored := f.Stored()
		if key, ok := kept[stored]; ok {
			b.mistakes.Add(at, diagnostic.ReservedKey, "the key %q is reserved in line %d, since jobs may still be stored with another meaning of it: take another key", stored, key.At.Line)
		}
		if f.RenamedFrom.Value == f.Key.Value {
			b.mistakes.Add(at, diagnostic.BadRename, "field %q is renamed from itself: leave renamed_from out", f.Key.Value)
		}
		if other := first[stored]; other != nil {
			b.mistakes.Add(at, diagnostic.BadRename, "the fields %q and %q of %s would both be stored as %q: take another key for one", other.Key.Value, f.Key.Value, what, stored)
			continue
		}
		first[stored] = f
	}
}

// judgeDefault finds out whether n is a value of f's type.
func (b *builder) judgeDefault(f *Field, n ast.Node, what string) {
	if f.Type == nil || reported(n) {
		return
	}
	refuse := func(format string, args ...any) {
		b.mistakes.Add(start(n), diagnostic.BadDefault, "the default of %s %s", what, fmt.Sprintf(format, args...))
	}
	enum := f.Type.Declared != nil && f.Type.Declared.IsEnum
	switch {
	case f.Type.Optional:
		refuse("could never be: an optional field that is absent is nil; leave the ? or the default out")
		return
	case f.Type.Builtin == "" && !enum, f.Type.Builtin != "" && !defaultable[f.Type.Builtin]:
		refuse("cannot be given: a field of type %s has none; text, numbers, booleans, durations and enums have", clip(f.Type.String()))
		return
	}
	value, why := defaultOf(f.Type, n)
	if why != "" {
		refuse("is %s: %s", clip(kind(n)), why)
		return
	}
	text, err := json.Marshal(value)
	if err != nil {
		refuse("is %s, which JSON cannot hold", clip(kind(n)))
		return
	}
	f.Default.Text, f.Default.JSON = scalar(n), string(text)
}

// defaultable are the built-in types that a default can be given for.
var defaultable = map[string]bool{
	"string": true, "bool": true, "int": true, "int32": true, "int64": true, "uint32": true, "float64": true, "duration": true,
}

// scalar returns the value of n as it is written, without quotes.
func scalar(n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	}
	return n.GetToken().Value
}

// defaultOf returns the Go value of n as one of type ref, or why it is none.
func defaultOf(ref *Ref, n ast.Node) (any, string) {
	text, isText := "", false
	switch n.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		text, isText = scalar(n), true
	}
	switch {
	case ref.Declared != nil:
		for _, v := range ref.Declared.Enum {
			if isText && v.Value.Value == text {
				return text, ""
			}
		}
		return nil, fmt.Sprintf("write one of the values of %s", ref.Declared.Name.Value)
	case ref.Builtin == "string":
		switch {
		case !isText:
			return nil, "write it in quotes"
		case strings.ContainsRune(text, 0):
			return nil, "no database stores a NUL character"
		}
		return text, ""
	case ref.Builtin == "bool":
		if v, ok := n.(*ast.BoolNode); ok {
			return v.Value, ""
		}
		return nil, "write true or false"
	case ref.Builtin == "duration":
		d, err := time.ParseDuration(text)
		if !isText || err != nil {
			return nil, "write a time with its unit, such as 30s, 1m30s or 2h"
		}
		return d, ""
	}
	return number(ref.Builtin, n)
}

// decimal is a number as everybody reads it: without a leading zero, which some
// take for octal.
var decimal = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

// number returns the value of n as one of a type of numbers.
func number(builtin string, n ast.Node) (any, string) {
	digits := n.GetToken().Value
	if builtin == "float64" {
		_, isText := n.(*ast.StringNode) // as the parser takes 1e3 to be
		quoted := n.GetToken().Type != token.StringType
		if v, err := strconv.ParseFloat(digits, 64); err == nil && decimal.MatchString(digits) && !(isText && quoted) {
			return v, ""
		}
		return nil, "write a number"
	}
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	switch builtin {
	case "int32":
		low, high = math.MinInt32, math.MaxInt32
	case "uint32":
		low, high = 0, math.MaxUint32
	}
	if _, ok := n.(*ast.IntegerNode); ok && decimal.MatchString(digits) {
		v, err := strconv.ParseInt(digits, 10, 64)
		if err == nil && v >= low && v <= high {
			return v, ""
		}
	}
	return nil, fmt.Sprintf("write a whole number from %d to %d", low, high)
}
