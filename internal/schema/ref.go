package schema

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/fieldtype"
	"github.com/jobgen/jobgen/internal/yaml"
)

// ref reads the type of a field, nil after a mistake.
func (b *builder) ref(n ast.Node) *Ref {
	at := yaml.Start(n)
	switch n := n.(type) {
	case *ast.StringNode:
		return b.textRef(n.Value, at)
	case *ast.SequenceNode:
		if len(n.Values) != 1 {
			b.Mistakes.Add(at, diagnostic.BadType, "a list has one type in its brackets, as in [string], and not %d", len(n.Values))
			return nil
		}
		if elem := b.ref(n.Values[0]); elem != nil {
			return &Ref{At: at, List: elem}
		}
		return nil
	case *ast.MappingNode, *ast.MappingValueNode:
		return b.mapRef(n, at)
	case *ast.NullNode:
		b.Mistakes.Add(at, diagnostic.BadType, "the field has no type: write one after the colon, such as string")
	default:
		b.WrongKind(n, "a type", "text, a list or a mapping")
	}
	return nil
}

func (b *builder) mapRef(n ast.Node, at diagnostic.Position) *Ref {
	entries, ok := b.Mapping(n, "a type")
	if !ok {
		return nil
	}
	if len(entries) != 1 || entries[0].Key.Value != "string" {
		why := "a map is written {string: T}, with T the type of its values; a struct is declared under types"
		if len(entries) > 0 && fieldWords[entries[0].Key.Value].Note != "" {
			why = fieldWords[entries[0].Key.Value].Note
		}
		b.Mistakes.Add(at, diagnostic.BadType, "%s", why)
		return nil
	}
	if elem := b.ref(entries[0].Value); elem != nil {
		return &Ref{At: at, Map: elem}
	}
	return nil
}

// textRef reads a type that is written as text: a name, and what only quotes
// can hold, such as "[string]?".
func (b *builder) textRef(text string, at diagnostic.Position) *Ref {
	ref, why := b.parseRef(text, at, 0)
	if why != "" {
		b.Mistakes.Add(at, diagnostic.BadType, "%q is not a type: %s", yaml.Clip(text), why)
		return nil
	}
	return ref
}

// parseRef returns the type, or why text is none. Neither is returned of a name
// that is unknown, which is reported already.
func (b *builder) parseRef(text string, at diagnostic.Position, depth int) (*Ref, string) {
	if depth > yaml.MaxDepth {
		return nil, "it nests too deep"
	}
	text = strings.TrimSpace(text)
	if inner, ok := strings.CutSuffix(text, "?"); ok {
		if strings.HasSuffix(inner, "?") {
			return nil, "one question mark makes it optional"
		}
		ref, why := b.parseRef(inner, at, depth+1)
		if ref != nil {
			ref.Optional = true
		}
		return ref, why
	}
	if inner, ok := between(text, "[", "]"); ok {
		elem, why := b.parseRef(inner, at, depth+1)
		if elem == nil {
			return nil, why
		}
		return &Ref{At: at, List: elem}, ""
	}
	if inner, ok := between(text, "{", "}"); ok {
		key, value, found := strings.Cut(inner, ":")
		if !found || strings.TrimSpace(key) != "string" {
			return nil, "a map is written {string: T}, with T the type of its values"
		}
		elem, why := b.parseRef(value, at, depth+1)
		if elem == nil {
			return nil, why
		}
		return &Ref{At: at, Map: elem}, ""
	}
	return b.namedRef(text, at)
}

func between(text, open, end string) (string, bool) {
	if len(text) < 2 || !strings.HasPrefix(text, open) || !strings.HasSuffix(text, end) {
		return "", false
	}
	return text[1 : len(text)-1], true
}

// Forms that other languages have a name for.
var elsewhere = map[string]string{
	"map": "a map is written {string: T}", "dict": "a map is written {string: T}", "hash": "a map is written {string: T}",
	"list": "a list is written [T]", "array": "a list is written [T]", "slice": "a list is written [T]", "set": "a list is written [T]",
	"enum": "an enum is declared under types", "struct": "a struct is declared under types",
	"uint64": "write int64, or decimal for numbers beyond it", "uint8": "write int32", "int8": "write int32", "int16": "write int32", "uint16": "write int32",
	"float32": "write float64", "rune": "write string", "error": "write string", "complex128": "write two fields of float64",
}

func (b *builder) namedRef(name string, at diagnostic.Position) (*Ref, string) {
	switch {
	case name == "":
		return nil, "a name is missing"
	case fieldtype.Named(name) != nil:
		return &Ref{At: at, Builtin: fieldtype.Named(name)}, ""
	case b.types[name] != nil:
		return &Ref{At: at, Declared: b.types[name]}, ""
	case strings.HasPrefix(name, "[]"):
		if name == "[]byte" {
			return nil, "it is written bytes"
		}
		return nil, "a list is written [" + name[2:] + "]"
	case strings.HasPrefix(name, "map["):
		return nil, "a map is written {string: T}, with T the type of its values"
	case name == "interface{}":
		return nil, "any JSON is written json"
	case strings.HasPrefix(name, "*"):
		return nil, "an optional field is written " + name[1:] + "?"
	case strings.ContainsAny(name, " \t\n[]{}?:,*()\"'`\\"):
		return nil, "a type is a name, [T] for a list, {string: T} for a map, and a ? at the end makes it optional"
	}
	dir, last := "", name
	if slash := strings.LastIndexByte(name, '/'); slash >= 0 {
		dir, last = name[:slash+1], name[slash+1:]
	}
	if dot := strings.LastIndexByte(last, '.'); dot >= 0 {
		if dot == 0 || dot == len(last)-1 {
			return nil, "a Go type is written with its import path, as in net/netip.Addr"
		}
		return &Ref{At: at, Import: dir + last[:dot], Name: last[dot+1:]}, ""
	}
	if dir != "" {
		return nil, "a Go type is written with its name behind the import path, as in net/netip.Addr"
	}
	hint := b.Suggest.Suggest(name, append(fieldtype.Names(), b.typeName.list...))
	if form := elsewhere[strings.ToLower(name)]; form != "" {
		hint = ": " + form
	} else if t := fieldtype.Elsewhere(strings.ToLower(name)); t != nil {
		hint = fmt.Sprintf("; did you mean %q?", t.Name)
	}
	b.Mistakes.Add(at, diagnostic.UnknownType, "type %q is neither built in nor declared under types%s", yaml.Clip(name), hint)
	return nil, ""
}
