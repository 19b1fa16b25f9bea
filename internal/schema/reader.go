package schema

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"

	"github.com/jobgen/jobgen/internal/diagnostic"
)

// A reader walks one file.
type reader struct {
	mistakes diagnostic.List
	suggest  diagnostic.Suggester
	comments comments
	src      string
}

// parse returns the root of the file, or nil when it is no YAML that can be
// walked. What the parser of YAML panics on is no YAML either.
func (r *reader) parse(src []byte) (root ast.Node) {
	text, fit := clean(src, &r.mistakes)
	if !fit {
		return nil
	}
	r.src = text
	defer func() {
		if p := recover(); p != nil {
			root = nil
			r.mistakes.Add(diagnostic.Position{Line: 1, Column: 1}, diagnostic.Syntax, "this is no YAML: %v", p)
		}
	}()
	tokens := lexer.Tokenize(text)
	r.comments = readComments(tokens)
	if !checkTokens(tokens, &r.mistakes) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		r.syntaxError(err)
		return nil
	}
	for _, doc := range file.Docs {
		if body := doc.Body; body != nil && body.Type() != ast.DirectiveType {
			return body
		}
	}
	return ast.Null(nil)
}

func (r *reader) syntaxError(err error) {
	var syntax *yaml.SyntaxError
	if !errors.As(err, &syntax) || syntax.Token == nil {
		r.mistakes.Add(diagnostic.Position{Line: 1, Column: 1}, diagnostic.Syntax, "this is no YAML: %v", err)
		return
	}
	at, message := place(syntax.Token), syntax.Message
	if strings.HasPrefix(syntax.Token.Value, "?") && at.Column > 1 {
		line := strings.Split(r.src, "\n")[at.Line-1]
		if before := []rune(line); at.Column-2 < len(before) && strings.ContainsRune("]}", before[at.Column-2]) {
			message += `: an optional list or map is written in quotes, as in "[string]?"`
		}
	}
	if strings.HasPrefix(strings.TrimLeft(syntax.Token.Value, "\n "), "\t") {
		message = "a tab cannot indent a line: use spaces"
	}
	r.mistakes.Add(at, diagnostic.Syntax, "this is no YAML: %s", message)
}

// An entry is one key of a mapping with its value.
type entry struct {
	key   Text
	value ast.Node
	doc   string
}

// reported says of a node that it was found wrong by its tokens.
func reported(n ast.Node) bool {
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode, *ast.MappingKeyNode:
		return true
	}
	return false
}

// start returns the place that an error about n names.
func start(n ast.Node) diagnostic.Position {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return start(m.Values[0].Key)
	}
	if v, ok := n.(*ast.MappingValueNode); ok {
		return start(v.Key)
	}
	if t := n.GetToken(); t != nil {
		return place(t)
	}
	return diagnostic.Position{Line: 1, Column: 1}
}

// kind says what n is, for an error.
func kind(n ast.Node) string {
	switch n := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		if t := n.GetToken(); t == nil || t.Value == "" || t.Value == "null" {
			return "nothing"
		}
		return n.GetToken().Value
	case *ast.StringNode:
		return fmt.Sprintf("the text %q", n.Value)
	case *ast.LiteralNode:
		return "a block of text"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "the number " + n.GetToken().Value
	}
	return n.GetToken().Value
}

func (r *reader) wrongKind(n ast.Node, what, want string) {
	if !reported(n) {
		r.mistakes.Add(start(n), diagnostic.WrongKind, "%s has to be %s, not %s", what, want, kind(n))
	}
}

// mapping returns the entries of n, each key once, and whether n is a mapping.
// Nothing at all is an empty one.
func (r *reader) mapping(n ast.Node, what string) ([]entry, bool) {
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	case *ast.NullNode:
		if t := n.GetToken(); t == nil || t.Value != "~" {
			return nil, true
		}
		r.wrongKind(n, what, "a mapping")
		return nil, false
	default:
		r.wrongKind(n, what, "a mapping")
		return nil, false
	}
	entries := make([]entry, 0, len(values))
	first := make(map[string]diagnostic.Position, len(values))
	for _, v := range values {
		if reported(v.Key) {
			continue
		}
		key, ok := v.Key.(*ast.StringNode)
		at := start(v.Key)
		if !ok {
			r.mistakes.Add(at, diagnostic.WrongKind, "a key has to be text, not %s: write it in quotes", kind(v.Key))
			continue
		}
		if earlier, twice := first[key.Value]; twice {
			r.mistakes.Add(at, diagnostic.DuplicateKey, "the key %q is already in line %d: remove or rename one", key.Value, earlier.Line)
			continue
		}
		first[key.Value] = at
		entries = append(entries, entry{key: Text{key.Value, at}, value: v.Value, doc: r.comments.above(at)})
	}
	return entries, true
}

// A readFunc reads the value of a known key.
type readFunc func(entry)

// keys hands each entry of n to the function of its key, in the order of the
// file, and reports the keys that have none. It returns what keys were there,
// nil when n is no mapping.
func (r *reader) keys(n ast.Node, what string, known map[string]readFunc) map[string]bool {
	entries, ok := r.mapping(n, what)
	if !ok {
		return nil
	}
	there := make(map[string]bool, len(entries))
	for _, e := range entries {
		there[e.key.Value] = true
		if read := known[e.key.Value]; read != nil {
			read(e)
			continue
		}
		names := slices.Sorted(maps.Keys(known))
		hint := r.suggest.Suggest(e.key.Value, names)
		switch {
		case len(names) == 0:
			hint = ", it has none"
		case hint == "":
			hint = ", it can have " + strings.Join(names, ", ")
		}
		r.mistakes.Add(e.key.At, diagnostic.UnknownKey, "%s has no key %q%s", what, clip(e.key.Value), hint)
	}
	return there
}

// text returns the text that n is.
func (r *reader) text(n ast.Node, what string) (Text, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return Text{n.Value, start(n)}, true
	case *ast.LiteralNode:
		return Text{n.Value.Value, start(n)}, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		r.mistakes.Add(start(n), diagnostic.WrongKind, "%s has to be text, not %s: write it in quotes", what, kind(n))
	default:
		r.wrongKind(n, what, "text")
	}
	return Text{}, false
}
