package yaml

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/jobgen/jobgen/internal/diagnostic"
)

// A ReadFunc reads the value of a known key.
type ReadFunc func(Entry)

// A Word is a key that other systems have, and what it is here.
type Word struct {
	Key  string // the key that is meant; "" for none
	Note string // what to say, or to add where there is a key
}

// Keys hands each entry of n to the function of its key, in the order of the
// file, and reports the keys that have none. It returns what keys were there or
// were meant, nil when n is no mapping.
func (r *Reader) Keys(n ast.Node, what string, known map[string]ReadFunc) map[string]bool {
	return r.KeysOr(n, what, known, nil)
}

// KeysOr is Keys with the words that other systems have for keys, in small
// letters with _ between them. What stands below a key that is meant is read as
// its value, so that one slip is reported once.
func (r *Reader) KeysOr(n ast.Node, what string, known map[string]ReadFunc, words map[string]Word) map[string]bool {
	entries, ok := r.Mapping(n, what)
	if !ok {
		return nil
	}
	names := slices.Sorted(maps.Keys(known))
	entries = r.indent(entries, known, words)
	there := make(map[string]bool, len(entries))
	for _, e := range entries {
		there[e.Key.Value] = true
	}
	if merges(n) { // nobody knows which keys that brings
		for name := range known {
			there[name] = true
		}
	}
	for _, e := range entries {
		if read := known[e.Key.Value]; read != nil {
			read(e)
			continue
		}
		meant, hint := r.meant(e.Key.Value, names, words)
		r.Mistakes.Add(e.Key.At, diagnostic.UnknownKey, "%s has no key %q%s", what, Clip(e.Key.Value), hint)
		if meant == "" || there[meant] {
			continue
		}
		there[meant] = true
		if _, mapping := Pairs(e.Value); mapping {
			known[meant](e)
		}
	}
	return there
}

// merges reports whether a merge key is in n.
func merges(n ast.Node) bool {
	values, _ := Pairs(n)
	return slices.ContainsFunc(values, func(v *ast.MappingValueNode) bool {
		_, merge := v.Key.(*ast.MergeKeyNode)
		return merge
	})
}

// meant returns which of the known keys a key means, "" for none, and what to
// say of it.
func (r *Reader) meant(key string, names []string, words map[string]Word) (string, string) {
	plain := snake(key)
	if word, ok := words[plain]; ok {
		switch {
		case word.Key == "":
			return "", ": " + word.Note
		case slices.Contains(names, word.Key) && word.Note != "":
			return word.Key, fmt.Sprintf("; did you mean %q? %s", word.Key, word.Note)
		case slices.Contains(names, word.Key):
			return word.Key, fmt.Sprintf("; did you mean %q?", word.Key)
		}
	}
	near := plain
	if !slices.Contains(names, plain) {
		near = r.Suggest.Near(key, names)
	}
	switch {
	case near != "":
		return near, fmt.Sprintf("; did you mean %q?", near)
	case len(names) == 0:
		return "", ": it has none"
	}
	return "", ": its keys are " + strings.Join(names, ", ")
}

// snake returns a key in small letters with _ between its words.
func snake(key string) string {
	var b strings.Builder
	for i, c := range key {
		switch {
		case c == '-' || c == ' ' || c == '.':
			b.WriteByte('_')
		case unicode.IsUpper(c):
			if i > 0 && !strings.HasSuffix(b.String(), "_") {
				b.WriteByte('_')
			}
			b.WriteRune(unicode.ToLower(c))
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// indent gives a key that has no value, and is one of r.Holding, the unknown
// keys behind it as that value: somebody has not indented them.
func (r *Reader) indent(entries []Entry, known map[string]ReadFunc, words map[string]Word) []Entry {
	kept := make([]Entry, 0, len(entries))
	for i := 0; i < len(entries); i++ {
		e := entries[i]
		if known[e.Key.Value] == nil || !r.Holding[e.Key.Value] || !Empty(e.Value) {
			kept = append(kept, e)
			continue
		}
		n := 0
		for _, next := range entries[i+1:] {
			if known[next.Key.Value] != nil || words[snake(next.Key.Value)] != (Word{}) {
				break
			}
			n++
		}
		kept = append(kept, r.Adopt(e, entries[i+1:i+1+n], e.Key.Value))
		i += n
	}
	return kept
}

// Empty reports whether a key has no value at all.
func Empty(n ast.Node) bool {
	null, ok := n.(*ast.NullNode)
	if !ok {
		return false
	}
	t := null.GetToken()
	return t == nil || t.Type == token.ImplicitNullType || t.Value == ""
}

// Adopt returns parent with children as its value, and reports that they stand
// beside it. Without children nothing is wrong.
func (r *Reader) Adopt(parent Entry, children []Entry, what string) Entry {
	if len(children) == 0 {
		return parent
	}
	first, last := children[0].Key, children[len(children)-1].Key
	at := fmt.Sprintf("indent it further than line %d", parent.Key.At.Line)
	if len(children) > 1 {
		at = fmt.Sprintf("indent the keys of lines %d to %d further than line %d", first.At.Line, last.At.Line, parent.Key.At.Line)
	}
	r.Mistakes.Add(first.At, diagnostic.WrongIndentation, "%q stands beside %s, not in it: %s", Clip(first.Value), what, at)
	mapping := ast.Mapping(children[0].pair.Start, false)
	for _, child := range children {
		mapping.Values = append(mapping.Values, child.pair)
	}
	parent.Value = mapping
	return parent
}
