package schema

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/fieldtype"
	"github.com/jobgen/jobgen/internal/yaml"
)

// readTypes reads the declared types in two passes, since they may name one
// another before they are declared.
func (b *builder) readTypes(e yaml.Entry) {
	entries, _ := b.Mapping(e.Value, "types")
	entries = b.inside(entries, "type", typeKeys)
	b.types = make(map[string]*Type, len(entries))
	for _, e := range entries {
		what := fmt.Sprintf("type %q", e.Key.Value)
		if fieldtype.Named(e.Key.Value) != nil {
			b.Mistakes.Add(e.Key.At, diagnostic.BuiltinName, "%s has the name of a built-in type: rename it", what)
			continue
		}
		b.checkName(e.Key, what, plainName)
		t := &Type{Name: e.Key, Doc: e.Doc}
		b.types[e.Key.Value] = t
		b.typeName.add(e.Key.Value)
		b.file.Types = append(b.file.Types, t)
	}
	for _, e := range entries {
		if t := b.types[e.Key.Value]; t != nil {
			b.readType(t, e.Value)
		}
	}
}

func (b *builder) readType(t *Type, n ast.Node) {
	what := fmt.Sprintf("type %q", t.Name.Value)
	known := map[string]yaml.ReadFunc{
		"fields":   func(e yaml.Entry) { t.Fields = b.fields(e.Value, "the fields of "+what) },
		"enum":     func(e yaml.Entry) { t.IsEnum, t.Enum = true, b.enum(e.Value, what) },
		"reserved": func(e yaml.Entry) { t.Reserved = b.reserved(e.Value, what) },
	}
	if b.inLock {
		known["removed"] = func(e yaml.Entry) { t.Gone = b.fields(e.Value, "what is removed of "+what) }
	}
	if b.bareType(n, what) {
		return
	}
	there := b.KeysOr(n, what, known, typeWords)
	if there != nil && there["fields"] == there["enum"] {
		b.Mistakes.Add(t.Name.At, diagnostic.StructOrEnum, "%s needs either fields or enum, and not both", what)
	}
	if there["enum"] && len(t.Reserved) > 0 {
		b.Mistakes.Add(t.Reserved[0].At, diagnostic.ReservedKey, "%s is an enum, and only the keys of fields are reserved", what)
	}
	b.checkStored(t.Fields, t.Reserved, what)
}

// bareType reports of a type that it holds its values or fields without the key
// that says so, if it does.
func (b *builder) bareType(n ast.Node, what string) bool {
	if list, ok := n.(*ast.SequenceNode); ok {
		b.Mistakes.Add(yaml.Start(n), diagnostic.StructOrEnum, "%s is a list: write {enum: %s} for an enum", what, yaml.Clip(list.String()))
		return true
	}
	values, _ := yaml.Pairs(n)
	if len(values) == 0 || holdsKeys(n, typeKeys) {
		return false
	}
	for _, v := range values {
		key, ok := v.Key.(*ast.StringNode)
		if !ok || typeWords[key.Value] != (yaml.Word{}) || b.Suggest.Near(key.Value, []string{"fields", "enum", "reserved"}) != "" {
			return false
		}
	}
	b.Mistakes.Add(yaml.Start(n), diagnostic.StructOrEnum, "%s has no key fields: put its fields below fields:", what)
	return true
}

func (b *builder) enum(n ast.Node, what string) []*EnumValue {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		b.WrongKind(n, "the enum of "+what, "a list")
		return nil
	}
	if len(list.Values) == 0 {
		b.Mistakes.Add(yaml.Start(n), diagnostic.BadEnum, "%s has no values: list at least one", what)
	}
	var values []*EnumValue
	first := make(map[string]diagnostic.Position)
	for i, n := range list.Values {
		text, ok := b.Text(n, "a value of "+what)
		if !ok {
			continue
		}
		if earlier, twice := first[text.Value]; twice {
			b.Mistakes.Add(text.At, diagnostic.BadEnum, "%s has the value %q already in line %d: remove one", what, text.Value, earlier.Line)
			continue
		}
		if strings.ContainsRune(text.Value, 0) {
			b.Mistakes.Add(text.At, diagnostic.BadEnum, "the value %q of %s contains a NUL character, which no database stores: remove it", text.Value, what)
			continue
		}
		first[text.Value] = text.At
		doc := b.Comments.Above(text.At)
		if !list.IsFlowStyle && i < len(list.Entries) {
			doc = b.Comments.Above(yaml.Place(list.Entries[i].Start)) // the dash
		}
		values = append(values, &EnumValue{Value: text, Doc: doc})
	}
	return values
}

// findEndless reports structs that hold themselves. A walk along the fields
// that always hold a value comes back only where one does.
func (b *builder) findEndless() {
	const (
		entered = 1
		left    = 2
	)
	state := make(map[*Type]int)
	var visit func(*Type)
	visit = func(t *Type) {
		state[t] = entered
		for _, f := range t.Fields {
			if f.Type == nil || f.Type.Declared == nil || f.Type.Optional {
				continue
			}
			switch next := f.Type.Declared; state[next] {
			case 0:
				visit(next)
			case entered:
				b.Mistakes.Add(f.Type.At, diagnostic.Recursive, "type %q contains itself through the field %q: make that optional, %s?, or a list",
					next.Name.Value, f.Key.Value, next.Name.Value)
			}
		}
		state[t] = left
	}
	for _, t := range b.file.Types {
		if state[t] == 0 {
			visit(t)
		}
	}
}
