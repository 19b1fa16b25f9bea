package yaml

import (
	"errors"
	"fmt"
	"regexp"
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
	// Holding are the keys whose values are mappings of names that the file chooses.
	Holding map[string]bool
	Source  string // as the parser got it, without byte order mark and carriage returns
}

// Parse returns the root of the file, or nil when it is not YAML that can be
// walked. What the parser of YAML panics on is not valid either.
func (r *Reader) Parse(src []byte) (root ast.Node) {
	text, fit := clean(src, &r.Mistakes)
	if !fit {
		return nil
	}
	r.Source = text
	if c := conflict(text); c != nil {
		r.Mistakes.Add(c.at, diagnostic.Syntax, "%s", c.message)
		return nil
	}
	defer func() {
		if recover() != nil {
			root = nil
			r.unreadable(nil)
		}
	}()
	tokens := lexer.Tokenize(text)
	r.Comments = readComments(tokens)
	if !checkTokens(tokens, &r.Mistakes) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		r.unreadable(err)
		return nil
	}
	for _, doc := range file.Docs {
		if body := doc.Body; body != nil && body.Type() != ast.DirectiveType {
			return body
		}
	}
	return ast.Null(nil)
}

// unreadable reports what keeps the parser from reading the file, in our words.
func (r *Reader) unreadable(err error) {
	if s := findSlip(r.Source); s != nil {
		r.Mistakes.Add(s.at, diagnostic.Syntax, "%s", s.message)
		return
	}
	at := diagnostic.Position{Line: 1, Column: 1}
	var syntax *goyaml.SyntaxError
	if errors.As(err, &syntax) && syntax.Token != nil {
		at = Place(syntax.Token)
	}
	text := ""
	if lines := strings.Split(r.Source, "\n"); at.Line <= len(lines) {
		text = strings.TrimSpace(string([]rune(lines[at.Line-1])[min(max(at.Column-1, 0), len([]rune(lines[at.Line-1]))):]))
	}
	if text == "" {
		r.Mistakes.Add(at, diagnostic.Syntax, "the file cannot be read as YAML from here on: look at this line and the one above")
		return
	}
	r.Mistakes.Add(at, diagnostic.Syntax, "%q cannot be read as YAML: look at this line and the one above", Clip(text))
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

	pair *ast.MappingValueNode
}

// WrongKind reports that n is something else than what has to be.
func (r *Reader) WrongKind(n ast.Node, what, want string) {
	if !Reported(n) {
		r.Mistakes.Add(Start(n), diagnostic.WrongKind, "%s must be %s, not %s%s", what, want, Kind(n), instead(n, want))
	}
}

// instead says what to write where n is something else than what is wanted, if
// what n is shows it.
func instead(n ast.Node, want string) string {
	switch n := n.(type) {
	case *ast.StringNode:
		m := tightColon.FindStringSubmatch(n.Value)
		switch {
		case want == "a mapping" && m != nil:
			return fmt.Sprintf(": write a space after the colon, %s: %s", m[1], Clip(m[2]))
		case want == "a mapping" && twoWords.MatchString(n.Value):
			m = twoWords.FindStringSubmatch(n.Value)
			return fmt.Sprintf(": write a colon, %s: %s", m[1], Clip(m[2]))
		case strings.HasPrefix(want, "a list") && strings.HasPrefix(n.Value, "-"):
			return ": write a space after each dash"
		case strings.HasPrefix(want, "a list"):
			return fmt.Sprintf(": write [%s]", Clip(n.Value))
		case want == "a number" && oneNumber.MatchString(n.Value):
			return ": remove the quotes"
		}
	case *ast.SequenceNode:
		if want != "a mapping" || len(n.Values) == 0 {
			break
		}
		if first, ok := n.Values[0].(*ast.StringNode); ok {
			return fmt.Sprintf(": write each name as a key, as in %s:", Clip(first.Value))
		}
		if _, ok := Pairs(n.Values[0]); ok {
			return ": remove the dashes, and write each name as a key"
		}
	}
	return ""
}

var oneNumber = regexp.MustCompile(`^[0-9]+$`)

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
			r.Mistakes.Add(at, diagnostic.WrongKind, "a key must be text, not %s: write it in quotes", Kind(v.Key))
			continue
		}
		if earlier, twice := first[key.Value]; twice {
			r.Mistakes.Add(at, diagnostic.DuplicateKey, "the key %q is already in line %d: remove or rename one", key.Value, earlier.Line)
			continue
		}
		first[key.Value] = at
		entries = append(entries, Entry{Key: Text{key.Value, at}, Value: v.Value, Doc: r.Comments.Above(at), pair: v})
	}
	return entries, true
}

// Text returns the text that n is.
func (r *Reader) Text(n ast.Node, what string) (Text, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return Text{n.Value, Start(n)}, true
	case *ast.LiteralNode:
		return Text{n.Value.Value, Start(n)}, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		r.Mistakes.Add(Start(n), diagnostic.WrongKind, "%s must be text, not %s: write it in quotes", what, Kind(n))
	default:
		r.WrongKind(n, what, "text")
	}
	return Text{}, false
}
