package yaml

import (
	"errors"
	"maps"
	"slices"
	"strings"

	goyaml "github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"

	"github.com/jobgen/jobgen/internal/diagnostic"
)

// A Reader walks one file, and gathers what is wrong with it. It is for one
// goroutine.
type Reader struct {
	Mistakes diagnostic.List
	Suggest  diagnostic.Suggester
	Comments Comments
	Source   string // as the parser got it, without byte order mark and carriage returns
}

// Parse returns the root of the file, or nil when it is not YAML that can be
// walked. What the parser of YAML panics on is not valid either.
func (r *Reader) Parse(src []byte) (root ast.Node) {
	text, fit := clean(src, &r.Mistakes)
	if !fit {
		return nil
	}
	r.Source = text
	defer func() {
		if p := recover(); p != nil {
			root = nil
			r.Mistakes.Add(diagnostic.Position{Line: 1, Column: 1}, diagnostic.Syntax, "this is not valid YAML: %v", p)
		}
	}()
	tokens := lexer.Tokenize(text)
	r.Comments = readComments(tokens)
	if !checkTokens(tokens, &r.Mistakes) {
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

func (r *Reader) syntaxError(err error) {
	var syntax *goyaml.SyntaxError
	if !errors.As(err, &syntax) || syntax.Token == nil {
		r.Mistakes.Add(diagnostic.Position{Line: 1, Column: 1}, diagnostic.Syntax, "this is not valid YAML: %v", err)
		return
	}
	at, message := Place(syntax.Token), syntax.Message
	if strings.HasPrefix(syntax.Token.Value, "?") && at.Column > 1 {
		line := strings.Split(r.Source, "\n")[at.Line-1]
		if before := []rune(line); at.Column-2 < len(before) && strings.ContainsRune("]}", before[at.Column-2]) {
			message += `: an optional list or map is written in quotes, as in "[string]?"`
		}
	}
	if strings.HasPrefix(strings.TrimLeft(syntax.Token.Value, "\n "), "\t") {
		message = "a tab cannot indent a line: use spaces"
	}
	r.Mistakes.Add(at, diagnostic.Syntax, "this is not valid YAML: %s", message)
}

// A Text is a word of a file.
type Text struct {
	Value string
	At    diagnostic.Position
}

// An Entry is one key of a mapping with its value.
type Entry struct {
	Key   Text
	Value ast.Node
	Doc   string // the comment above, lines joined by "\n", without marks
}

// WrongKind reports that n is something else than what has to be.
func (r *Reader) WrongKind(n ast.Node, what, want string) {
	if !Reported(n) {
		r.Mistakes.Add(Start(n), diagnostic.WrongKind, "%s has to be %s, not %s", what, want, Kind(n))
	}
}

// Mapping returns the entries of n, each key once, and whether n is a mapping.
// Nothing at all is an empty one.
func (r *Reader) Mapping(n ast.Node, what string) ([]Entry, bool) {
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
		r.WrongKind(n, what, "a mapping")
		return nil, false
	default:
		r.WrongKind(n, what, "a mapping")
		return nil, false
	}
	entries := make([]Entry, 0, len(values))
	first := make(map[string]diagnostic.Position, len(values))
	for _, v := range values {
		if Reported(v.Key) {
			continue
		}
		key, ok := v.Key.(*ast.StringNode)
		at := Start(v.Key)
		if !ok {
			r.Mistakes.Add(at, diagnostic.WrongKind, "a key has to be text, not %s: write it in quotes", Kind(v.Key))
			continue
		}
		if earlier, twice := first[key.Value]; twice {
			r.Mistakes.Add(at, diagnostic.DuplicateKey, "the key %q is already in line %d: remove or rename one", key.Value, earlier.Line)
			continue
		}
		first[key.Value] = at
		entries = append(entries, Entry{Key: Text{key.Value, at}, Value: v.Value, Doc: r.Comments.Above(at)})
	}
	return entries, true
}

// A ReadFunc reads the value of a known key.
type ReadFunc func(Entry)

// Keys hands each entry of n to the function of its key, in the order of the
// file, and reports the keys that have none. It returns what keys were there,
// nil when n is no mapping.
func (r *Reader) Keys(n ast.Node, what string, known map[string]ReadFunc) map[string]bool {
	entries, ok := r.Mapping(n, what)
	if !ok {
		return nil
	}
	there := make(map[string]bool, len(entries))
	for _, e := range entries {
		there[e.Key.Value] = true
		if read := known[e.Key.Value]; read != nil {
			read(e)
			continue
		}
		names := slices.Sorted(maps.Keys(known))
		hint := r.Suggest.Suggest(e.Key.Value, names)
		switch {
		case len(names) == 0:
			hint = ", it has none"
		case hint == "":
			hint = ", it can have " + strings.Join(names, ", ")
		}
		r.Mistakes.Add(e.Key.At, diagnostic.UnknownKey, "%s has no key %q%s", what, Clip(e.Key.Value), hint)
	}
	return there
}

// Text returns the text that n is.
func (r *Reader) Text(n ast.Node, what string) (Text, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return Text{n.Value, Start(n)}, true
	case *ast.LiteralNode:
		return Text{n.Value.Value, Start(n)}, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		r.Mistakes.Add(Start(n), diagnostic.WrongKind, "%s has to be text, not %s: write it in quotes", what, Kind(n))
	default:
		r.WrongKind(n, what, "text")
	}
	return Text{}, false
}
