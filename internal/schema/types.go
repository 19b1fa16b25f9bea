package schema

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/fieldtype"
)

// readTypes reads the declared types in two passes, since they may name one
// another before they are declared.
func (b *builder) readTypes(e entry) {
	entries, _ := b.mapping(e.value, "types")
	b.types = make(map[string]*Type, len(entries))
	for _, e := range entries {
		what := fmt.Sprintf("type %q", e.key.Value)
		if fieldtype.Named(e.key.Value) != nil {
			b.mistakes.Add(e.key.At, diagnostic.BuiltinName, "%s has the name of a built-in type: rename it", what)
			continue
		}
		b.checkName(e.key, what, plainName)
		t := &Type{Name: e.key, Doc: e.doc}
		b.types[e.key.Value] = t
		b.typeName.add(e.key.Value)
		b.file.Types = append(b.file.Types, t)
	}
	for _, e := range entries {
		if t := b.types[e.key.Value]; t != nil {
			b.readType(t, e.value)
		}
	}
}

func (b *builder) readType(t *Type, n ast.Node) {
	what := fmt.Sprintf("type %q", t.Name.Value)
	known := map[string]readFunc{
		"fields":   func(e entry) { t.Fields = b.fields(e.value, "the fields of "+what) },
		"enum":     func(e entry) { t.IsEnum, t.Enum = true, b.enum(e.value, what) },
		"reserved": func(e entry) { t.Reserved = b.reserved(e.value, what) },
	}
	if b.inLock {
		known["removed"] = func(e entry) { t.Gone = b.fields(e.value, "what is removed of "+what) }
	}
	there := b.keys(n, what, known)
	if there != nil && there["fields"] == there["enum"] {
		b.mistakes.Add(t.Name.At, diagnostic.StructOrEnum, "%s needs either fields or enum, and not both", what)
	}
	if there["enum"] && len(t.Reserved) > 0 {
		b.mistakes.Add(t.Reserved[0].At, diagnostic.ReservedKey, "%s is an enum, and only the keys of fields are reserved", what)
	}
	b.checkStored(t.Fields, t.Reserved, what)
}

func (b *builder) enum(n ast.Node, what string) []*EnumValue {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		b.wrongKind(n, "the enum of "+what, "a list")
		return nil
	}
	if len(list.Values) == 0 {
		b.mistakes.Add(start(n), diagnostic.BadEnum, "%s has no values: list at least one", what)
	}
	var values []*EnumValue
	first := make(map[string]diagnostic.Position)
	for i, n := range list.Values {
		text, ok := b.text(n, "a value of "+what)
		if !ok {
			continue
		}
		if earlier, twice := first[text.Value]; twice {
			b.mistakes.Add(text.At, diagnostic.BadEnum, "%s has the value %q already in line %d: remove one", what, text.Value, earlier.Line)
			continue
		}
		if strings.ContainsRune(text.Value, 0) {
			b.mistakes.Add(text.At, diagnostic.BadEnum, "the value %q of %s holds a NUL character, which no database stores: remove it", text.Value, what)
			continue
		}
		first[text.Value] = text.At
		doc := b.comments.above(text.At)
		if !list.IsFlowStyle && i < len(list.Entries) {
			doc = b.comments.above(place(list.Entries[i].Start)) // the dash
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
				b.mistakes.Add(f.Type.At, diagnostic.Recursive, "type %q holds itself through the field %q: make that optional, %s?, or a list",
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
