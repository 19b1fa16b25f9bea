package format

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/yaml"
)

// errFormat says that Format would have changed more than the form.
var errFormat = errors.New("the result would not say the same")

// Format returns src formatted: two spaces a level, the keys of the file and of
// a job in the order of the reference, an empty line between sections and
// between jobs of several lines, comments aligned. It takes nothing away: not a
// comment, and of the empty lines one stays where several were. The result
// means what src means, and formatting it changes nothing.
//
// Mistakes against the language do not matter to it; what cannot be read as
// YAML, or holds what the language does without, is returned as mistakes. An
// error means that src is written in a way that Format has no form for.
func Format(src []byte) ([]byte, diagnostic.List, error) {
	r := &yaml.Reader{}
	root := r.Parse(src)
	if root == nil || len(r.Mistakes) > 0 {
		r.Mistakes.Sort()
		return nil, r.Mistakes, nil
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
	again := &yaml.Reader{}
	formatted := again.Parse([]byte(out))
	if formatted == nil || len(again.Mistakes) > 0 {
		return errFormat
	}
	if outline(root, f.reader.Comments) != outline(formatted, again.Comments) {
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
func outline(n ast.Node, docs yaml.Comments) string {
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
		if values, ok := yaml.Pairs(n); ok {
			items := make([]string, len(values))
			for i, v := range values {
				items[i] = item(scalarOutline(v.Key), v.Key, docs.Above(yaml.Start(v.Key)), v.Value)
			}
			slices.Sort(items)
			b.WriteString("{" + strings.Join(items, ",") + "}")
			return
		}
		if list, ok := n.(*ast.SequenceNode); ok {
			for i, value := range list.Values {
				b.WriteString(item("-", value, docs.Above(yaml.ElementStart(list, i)), value))
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
		found = append(found, remark{at: yaml.Place(t), text: strings.TrimRight(t.Value, " \t"), own: t.Position.Line != last})
	}
	return found
}
