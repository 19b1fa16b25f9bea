package schema

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/fieldtype"
	"github.com/jobgen/jobgen/internal/yaml"
)

// fields reads the fields of a payload or a struct.
func (b *builder) fields(n ast.Node, what string) []*Field {
	entries, _ := b.Mapping(n, what)
	fields := make([]*Field, 0, len(entries))
	for _, e := range entries {
		b.checkName(e.Key, fmt.Sprintf("field %q", e.Key.Value), dottedName)
		fields = append(fields, b.field(e))
	}
	return fields
}

// field reads one field: its type, or, in the long form, a mapping that holds
// the type and more.
func (b *builder) field(e yaml.Entry) *Field {
	f := &Field{Key: e.Key, Doc: e.Doc}
	what := fmt.Sprintf("field %q", e.Key.Value)
	known := map[string]yaml.ReadFunc{
		"type": func(e yaml.Entry) { f.Type = b.ref(e.Value) },
		"renamed_from": func(e yaml.Entry) {
			name, ok := b.Text(e.Value, "what "+what+" was renamed from")
			if ok && b.checkName(name, "the key "+strconv.Quote(name.Value), dottedName) {
				f.RenamedFrom = name
			}
		},
		"deprecated": func(e yaml.Entry) {
			text, ok := b.Text(e.Value, "deprecated")
			if ok && strings.TrimSpace(text.Value) == "" {
				b.Mistakes.Add(text.At, diagnostic.WrongKind, "deprecated is empty: say what to use instead")
			}
			f.Deprecated = text
		},
		"default": func(e yaml.Entry) {
			value := e.Value
			f.Default = &Default{At: yaml.Start(value)}
			b.last = append(b.last, func() { b.checkDefault(f, value, what) })
		},
	}
	if !isLong(e.Value, known) {
		f.Type = b.ref(e.Value)
		return f
	}
	if there := b.KeysOr(e.Value, what, known, fieldWords); !there["type"] {
		b.Mistakes.Add(e.Key.At, diagnostic.MissingKey, "%s has no type: add one, as in %s: {type: string}", what, e.Key.Value)
	}
	return f
}

// isLong reports whether n is a field in the long form, and no type.
func isLong(n ast.Node, known map[string]yaml.ReadFunc) bool {
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
		b.WrongKind(n, "reserved of "+what, "a list of keys")
		return nil
	}
	var keys []Text
	first := make(map[string]diagnostic.Position)
	for _, n := range list.Values {
		key, ok := b.Text(n, "a reserved key of "+what)
		if !ok || !b.checkName(key, fmt.Sprintf("the reserved key %q", key.Value), dottedName) {
			continue
		}
		if earlier, twice := first[key.Value]; twice {
			b.Mistakes.Add(key.At, diagnostic.ReservedKey, "the key %q is reserved already in line %d: remove one", key.Value, earlier.Line)
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
			b.Mistakes.Add(at, diagnostic.ReservedKey, "the key %q is reserved in line %d, since jobs may still be stored with another meaning of it: take another key", stored, key.At.Line)
		}
		if f.RenamedFrom.Value == f.Key.Value {
			b.Mistakes.Add(at, diagnostic.BadRename, "field %q is renamed from itself: leave renamed_from out", f.Key.Value)
		}
		if other := first[stored]; other != nil {
			b.Mistakes.Add(at, diagnostic.BadRename, "the fields %q and %q of %s would both be stored as %q: take another key for one", other.Key.Value, f.Key.Value, what, stored)
			continue
		}
		first[stored] = f
	}
}

// checkDefault checks that n is a value of f's type.
func (b *builder) checkDefault(f *Field, n ast.Node, what string) {
	if f.Type == nil || yaml.Reported(n) {
		return
	}
	refuse := func(format string, args ...any) {
		b.Mistakes.Add(yaml.Start(n), diagnostic.BadDefault, "the default of %s %s", what, fmt.Sprintf(format, args...))
	}
	enum := f.Type.Declared != nil && f.Type.Declared.IsEnum
	switch {
	case f.Type.Optional:
		refuse("could never be: an optional field that is absent is nil; leave the ? or the default out")
		return
	case f.Type.Builtin == nil && !enum, f.Type.Builtin != nil && f.Type.Builtin.Default == nil:
		refuse("cannot be given: a field of type %s has none; text, numbers, booleans, durations and enums have", yaml.Clip(f.Type.String()))
		return
	}
	written := literal(n)
	value, write := defaultOf(f.Type, written)
	if write != "" {
		refuse("is %s: %s", yaml.Clip(yaml.Kind(n)), write)
		return
	}
	text, err := json.Marshal(value)
	if err != nil {
		refuse("is %s, which JSON cannot hold", yaml.Clip(yaml.Kind(n)))
		return
	}
	f.Default.Text, f.Default.Value, f.Default.JSON = written.Text, value, string(text)
}

// literal returns n as it is written.
func literal(n ast.Node) fieldtype.Literal {
	l := fieldtype.Literal{Text: n.GetToken().Value}
	switch n := n.(type) {
	case *ast.StringNode:
		l.Kind, l.Text, l.Quoted = fieldtype.Text, n.Value, n.GetToken().Type != token.StringType
	case *ast.LiteralNode:
		l.Kind, l.Text, l.Quoted = fieldtype.Text, n.Value.Value, true
	case *ast.IntegerNode:
		l.Kind = fieldtype.Integer
	case *ast.FloatNode:
		l.Kind = fieldtype.Number
	case *ast.BoolNode:
		l.Kind = fieldtype.Bool
	}
	return l
}

// defaultOf returns a literal as a value of the type ref, or what to write
// instead.
func defaultOf(ref *Ref, l fieldtype.Literal) (v any, write string) {
	if ref.Builtin != nil {
		return ref.Builtin.Default(l)
	}
	for _, v := range ref.Declared.Enum {
		if l.Kind == fieldtype.Text && v.Value.Value == l.Text {
			return l.Text, ""
		}
	}
	return nil, fmt.Sprintf("write one of the values of %s", ref.Declared.Name.Value)
}
