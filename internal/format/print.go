package format

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
	"github.com/jobgen/jobgen/internal/yaml"
)

// A spacedRule says between which parts of a mapping an empty line stands; where
// none is wanted, one that is there stays.
type spacedRule int

const (
	spacedAsIs   spacedRule = iota
	spacedBlocks            // around parts that are blocks
	spacedParts             // around parts that are blocks or documented
)

func (r spacedRule) wants(p *part) bool {
	switch r {
	case spacedBlocks:
		return p.value.isBlock()
	case spacedParts:
		return p.value.isBlock() || len(p.doc) > 0
	}
	return false
}

// A page is what has been printed.
type page struct{ lines []printed }

type printed struct {
	text    string
	comment string // behind the text, "" for none
}

func (g *page) add(indent int, text string) {
	g.lines = append(g.lines, printed{text: strings.Repeat(" ", indent) + text})
}

// gap adds an empty line, unless it is the first or one is there.
func (g *page) gap() {
	if n := len(g.lines); n > 0 && g.lines[n-1].text != "" {
		g.lines = append(g.lines, printed{})
	}
}

// remarks adds comments, with an empty line where there were some between them.
func (g *page) remarks(indent int, list []remark) {
	for i, c := range list {
		if i > 0 && c.at.Line > list[i-1].at.Line+1 {
			g.gap()
		}
		g.add(indent, "#"+c.text)
	}
}

// String returns the page, comments behind text in one column where lines with
// some follow one another.
func (g *page) String() string {
	var b strings.Builder
	for i := 0; i < len(g.lines); {
		end, width := i, 0
		for end < len(g.lines) && g.lines[end].comment != "" {
			width = max(width, utf8.RuneCountInString(g.lines[end].text))
			end++
		}
		for ; i < end; i++ {
			line := g.lines[i]
			b.WriteString(line.text + strings.Repeat(" ", width-utf8.RuneCountInString(line.text)+1) + line.comment + "\n")
		}
		if i < len(g.lines) {
			b.WriteString(g.lines[i].text + "\n")
			i++
		}
	}
	return b.String()
}

func (f *formatter) print() string {
	g := &page{}
	if !f.root.isBlock() || len(f.root.parts) == 0 {
		g.remarks(0, f.head)
		if text := f.root.inline(); text != "" {
			g.gap()
			g.add(0, text)
		}
		return g.String()
	}
	g.remarks(0, f.head)
	if len(f.head) > 0 {
		g.gap()
	}
	f.printBlock(g, f.root, 0)
	return g.String()
}

func (f *formatter) printBlock(g *page, s *shape, indent int) {
	if len(s.head) > 0 {
		g.remarks(indent, s.head)
		g.gap()
	}
	rule := f.spaced[s]
	for i, p := range f.sorted(s) {
		if i > 0 && (p.afterGap || rule.wants(p) || rule.wants(f.sorted(s)[i-1])) {
			g.gap()
		}
		if len(p.above) > 0 {
			g.remarks(indent, p.above)
			g.gap()
		}
		g.remarks(indent, p.doc)
		line := p.key + ":"
		if s.kind == listShape {
			line = "-"
		}
		inline := p.value.inline()
		nested := p.value.isBlock()
		if nested && s.kind == listShape && p.value.kind == listShape && !p.value.hasRemarks() {
			inline, nested = p.value.asFlow(), false
		}
		if inline != "" {
			line += " " + inline
		}
		if nested && line == "-" && len(p.beside) == 0 && f.beginsWithKey(p.value) {
			first := len(g.lines)
			f.printBlock(g, p.value, indent+2)
			g.lines[first].text = strings.Repeat(" ", indent) + "- " + g.lines[first].text[indent+2:]
			continue
		}
		g.add(indent, line)
		for _, c := range p.beside {
			last := &g.lines[len(g.lines)-1]
			last.comment = strings.TrimPrefix(last.comment+" #"+c.text, " ")
		}
		if nested {
			f.printBlock(g, p.value, indent+2)
		}
	}
	if len(s.tail) > 0 {
		if f.empty(s.tail[0].at.Line - 1) {
			g.gap()
		}
		g.remarks(indent, s.tail)
	}
}

// beginsWithKey reports whether the first line of the mapping s, as it is
// printed, is a key, which can stand behind the dash of a list's element.
func (f *formatter) beginsWithKey(s *shape) bool {
	if s.kind != mappingShape || len(s.head) > 0 {
		return false
	}
	first := f.sorted(s)[0]
	return len(first.above)+len(first.doc) == 0
}

// sorted returns the parts of s in the order of the reference where there is
// one, with what the reference does not have at the end.
func (f *formatter) sorted(s *shape) []*part {
	order := f.order[s]
	if order == nil {
		return s.parts
	}
	rank := func(p *part) int {
		if i := slices.Index(order, p.name); i >= 0 {
			return i
		}
		return len(order)
	}
	return slices.SortedStableFunc(slices.Values(s.parts), func(a, b *part) int { return rank(a) - rank(b) })
}

// hasRemarks reports whether a comment is in s.
func (s *shape) hasRemarks() bool {
	return len(s.head)+len(s.tail) > 0 || slices.ContainsFunc(s.parts, func(p *part) bool {
		return len(p.above)+len(p.doc)+len(p.beside) > 0 || p.value.hasRemarks()
	})
}

// inline returns s as it stands behind a key, "" for a block.
func (s *shape) inline() string {
	if s.isBlock() {
		return ""
	}
	if s.kind == textShape {
		return s.text
	}
	return s.asFlow()
}

// asFlow returns s on one line, with brackets.
func (s *shape) asFlow() string {
	switch s.kind {
	case mappingShape:
		items := make([]string, len(s.parts))
		for i, p := range s.parts {
			items[i] = flowText(p.key) + ": " + p.value.asFlow()
		}
		return "{" + strings.Join(items, ", ") + "}"
	case listShape:
		items := make([]string, len(s.parts))
		for i, p := range s.parts {
			items[i] = p.value.asFlow()
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	return flowText(s.text)
}

// flowText returns text as it can stand in brackets.
func flowText(text string) string {
	switch {
	case text == "":
		return "null"
	case strings.HasPrefix(text, `"`), strings.HasPrefix(text, "'"):
		return text
	case strings.ContainsAny(text, ",[]{}"):
		return strconv.Quote(text)
	}
	return text
}

// text returns a scalar as the source has it, where that is on one line.
func (f *formatter) text(n ast.Node) string {
	t := n.GetToken()
	switch n := n.(type) {
	case *ast.LiteralNode:
		return strconv.Quote(n.Value.Value)
	case *ast.NullNode:
		if t == nil || t.Type == token.ImplicitNullType {
			return ""
		}
	case *ast.StringNode:
		if raw := f.raw(t); raw != "" {
			return raw
		}
		return strconv.Quote(n.Value)
	}
	if t == nil {
		return ""
	}
	return t.Value
}

// raw returns the text of a string as it stands in its line, "" where it goes
// on in the next.
func (f *formatter) raw(t *token.Token) string {
	at := yaml.Place(t)
	if at.Line > len(f.lines) {
		return ""
	}
	line := []rune(f.lines[at.Line-1])
	if at.Column > len(line) {
		return ""
	}
	rest := string(line[at.Column-1:])
	switch t.Type {
	case token.DoubleQuoteType:
		for i := 1; i < len(rest); i++ {
			switch rest[i] {
			case '\\':
				i++
			case '"':
				return rest[:i+1]
			}
		}
		return ""
	case token.SingleQuoteType:
		for i := 1; i < len(rest); i++ {
			if rest[i] != '\'' {
				continue
			}
			if i+1 < len(rest) && rest[i+1] == '\'' {
				i++
				continue
			}
			return rest[:i+1]
		}
		return ""
	}
	if t.Value != "" && strings.HasPrefix(rest, t.Value) {
		return t.Value
	}
	return ""
}
