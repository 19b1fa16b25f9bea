package schema

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"

	"github.com/jobgen/jobgen/internal/diagnostic"
)

// errFormat says that Format would have changed more than the form.
var errFormat = errors.New("the result would not say the same")

// Format returns src in the one form that a jobs.yaml has: two spaces a level,
// the keys of the file and of a job in the order of the reference, an empty
// line between sections and between jobs of several lines, comments aligned. It
// takes nothing away: not a comment, and of the empty lines one stays where
// several were. The result means what src means, and formatting it changes
// nothing.
//
// Mistakes against the language do not matter to it; what cannot be read as
// YAML, or holds what the language does without, is returned as mistakes. An
// error means that src is written in a way that Format has no form for.
func Format(src []byte) ([]byte, diagnostic.List, error) {
	r := &reader{}
	root := r.parse(src)
	if root == nil || len(r.mistakes) > 0 {
		r.mistakes.Sort()
		return nil, r.mistakes, nil
	}
	f := newFormatter(r, root)
	out := f.print()
	if err := f.check(root, out); err != nil {
		return nil, nil, fmt.Errorf("format: %w", err)
	}
	return []byte(out), nil, nil
}

// check asks that out has the content and the comments that the source has.
func (f *formatter) check(root ast.Node, out string) error {
	again := &reader{}
	formatted := again.parse([]byte(out))
	if formatted == nil || len(again.mistakes) > 0 {
		return errFormat
	}
	if outline(root, f.reader.comments) != outline(formatted, again.comments) {
		return errFormat
	}
	count := make(map[string]int)
	for _, c := range f.all {
		count[c.text]++
	}
	for text, n := range count {
		if strings.Count(out, "#"+text) < n {
			return fmt.Errorf("%w: the comment %q would be lost", errFormat, text)
		}
	}
	return nil
}

// outline returns what n says, without the way in which it is written: the keys
// of each mapping sorted, each with its documentation.
func outline(n ast.Node, docs comments) string {
	var b strings.Builder
	var walk func(ast.Node)
	item := func(key string, at ast.Node, doc string, value ast.Node) string {
		outer := b
		b = strings.Builder{}
		fmt.Fprintf(&b, "%s:%q(", key, doc)
		walk(value)
		b.WriteString(")")
		text := b.String()
		b = outer
		return text
	}
	walk = func(n ast.Node) {
		if values, ok := pairs(n); ok {
			items := make([]string, len(values))
			for i, v := range values {
				items[i] = item(scalarOutline(v.Key), v.Key, docs.above(start(v.Key)), v.Value)
			}
			slices.Sort(items)
			b.WriteString("{" + strings.Join(items, ",") + "}")
			return
		}
		if list, ok := n.(*ast.SequenceNode); ok {
			for i, value := range list.Values {
				b.WriteString(item("-", value, docs.above(elementStart(list, i)), value))
			}
			return
		}
		b.WriteString(scalarOutline(n))
	}
	walk(n)
	return b.String()
}

func scalarOutline(n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode:
		return fmt.Sprintf("text %q", n.Value)
	case *ast.LiteralNode:
		return fmt.Sprintf("text %q", n.Value.Value)
	case *ast.NullNode:
		if implicit(n) {
			return "null"
		}
	}
	if t := n.GetToken(); t != nil {
		return t.Value
	}
	return ""
}

// implicit reports whether n is nothing at all, where a value could be.
func implicit(n *ast.NullNode) bool {
	t := n.GetToken()
	return t == nil || t.Type == token.ImplicitNullType || t.Value == "" || t.Value == "null"
}

// pairs returns the entries of a mapping, and whether n is one.
func pairs(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// elementStart returns the place below which the documentation of a list's
// element ends: the dash, or the value where there is none.
func elementStart(list *ast.SequenceNode, i int) diagnostic.Position {
	if !list.IsFlowStyle && i < len(list.Entries) {
		return place(list.Entries[i].Start)
	}
	return start(list.Values[i])
}

// A remark is a comment with its place.
type remark struct {
	at   diagnostic.Position
	text string // without the mark
	own  bool   // it has a line to itself
}

// remarks returns every comment of src.
func remarks(src string) []remark {
	var found []remark
	last := 0
	for _, t := range lexer.Tokenize(src) {
		if t.Type != token.CommentType {
			last = t.Position.Line
			continue
		}
		found = append(found, remark{at: place(t), text: strings.TrimRight(t.Value, " \t"), own: t.Position.Line != last})
	}
	return found
}
