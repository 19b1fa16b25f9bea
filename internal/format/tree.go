package format

import (
	"math"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/schema"
	"github.com/jobgen/jobgen/internal/yaml"
)

// A formatter holds what one file is printed from.
type formatter struct {
	reader *yaml.Reader
	lines  []string // of the source
	all    []remark
	own    []remark              // comments with a line to themselves, not yet placed
	owner  map[int]*part         // by line: the part that the comment there documents
	stops  []*part               // the parts that have a line of their own, in the order of the source
	head   []remark              // comments above and beside nothing
	root   *shape                // what is printed
	order  map[*shape][]string   // the keys that have an order, by mapping
	spaced map[*shape]spacedRule // mappings with empty lines between their parts
}

// A shape is a value in the form in which it is printed: text, a mapping or a
// list; a mapping or list is flow, on one line, or a block.
type shape struct {
	text  string // of what is neither
	kind  shapeKind
	flow  bool
	parts []*part
	head  []remark // above the first part of a block, and not about it
	tail  []remark // below the last
}

type shapeKind int

const (
	textShape shapeKind = iota
	mappingShape
	listShape
)

// A part is an entry of a mapping or an element of a list.
type part struct {
	key      string // as printed; "" in a list
	name     string // the key itself
	at       diagnostic.Position
	value    *shape
	above    []remark // comments that stand above, without documenting it
	doc      []remark
	beside   []remark
	afterGap bool // an empty line is above it and its comments
}

func newFormatter(r *yaml.Reader, root ast.Node) *formatter {
	f := &formatter{reader: r, lines: strings.Split(r.Source, "\n"), all: remarks(r.Source), owner: make(map[int]*part)}
	for _, c := range f.all {
		if c.own {
			f.own = append(f.own, c)
		}
	}
	f.root = f.shape(root)
	f.settle(f.root, true)
	f.findOrder()
	f.block(f.root, math.MaxInt)
	f.head = append(f.own, f.head...) // of a file without keys
	f.placeBeside()
	return f
}

// shape converts n, and finds what each comment documents.
func (f *formatter) shape(n ast.Node) *shape {
	if values, ok := yaml.Pairs(n); ok {
		s := &shape{kind: mappingShape}
		if m, ok := n.(*ast.MappingNode); ok && m.IsFlowStyle {
			s.flow = m.Start.Position.Line == m.End.Position.Line
		}
		for _, v := range values {
			p := &part{key: f.text(v.Key), name: keyName(v.Key), at: yaml.Start(v.Key)}
			f.document(p)
			p.value = f.shape(v.Value)
			s.parts = append(s.parts, p)
		}
		return s
	}
	if list, ok := n.(*ast.SequenceNode); ok {
		s := &shape{kind: listShape}
		s.flow = list.IsFlowStyle && list.Start.Position.Line == list.End.Position.Line
		for i, value := range list.Values {
			p := &part{at: yaml.ElementStart(list, i)}
			f.document(p)
			p.value = f.shape(value)
			s.parts = append(s.parts, p)
		}
		return s
	}
	return &shape{text: f.text(n)}
}

// document gives p the comments that document it.
func (f *formatter) document(p *part) {
	for line := p.at.Line - 1; f.reader.Comments.Column(line) == p.at.Column; line-- {
		if f.owner[line] == nil {
			f.owner[line] = p
		}
	}
}

func keyName(n ast.Node) string {
	if s, ok := n.(*ast.StringNode); ok {
		return s.Value
	}
	return ""
}

// settle decides what stays on one line: what is there in the source, unless
// something in it is documented. It reports whether any part of s is.
func (f *formatter) settle(s *shape, isRoot bool) (documented bool) {
	for _, p := range s.parts {
		if f.settle(p.value, false) || f.owner[p.at.Line-1] == p {
			documented = true
		}
	}
	if documented || isRoot {
		s.flow = false
	}
	if len(s.parts) == 0 {
		s.flow = s.kind != textShape
	}
	return documented
}

// isBlock reports whether s takes lines of its own.
func (s *shape) isBlock() bool { return s.kind != textShape && !s.flow }

// block places the comments of a block whose next neighbour begins in the line
// until.
func (f *formatter) block(s *shape, until int) {
	if !s.isBlock() {
		return
	}
	for i, p := range s.parts {
		f.stops = append(f.stops, p)
		f.placeAbove(p)
		if i == 0 {
			s.head, p.above = p.above, nil
		}
		next := until
		if i+1 < len(s.parts) {
			next = s.parts[i+1].at.Line
		}
		f.block(p.value, next)
	}
	if len(s.parts) == 0 {
		return
	}
	column := s.parts[0].at.Column
	for len(f.own) > 0 && f.own[0].at.Line < until && (f.own[0].at.Column >= column || until == math.MaxInt && s == f.root) &&
		f.owner[f.own[0].at.Line] == nil {
		s.tail = append(s.tail, f.own[0])
		f.own = f.own[1:]
	}
}

// placeAbove takes the comments above p: those that document it, and those that
// nothing else has.
func (f *formatter) placeAbove(p *part) {
	first := p.at.Line
	rest := f.own[:0:0]
	for i, c := range f.own {
		if c.at.Line >= p.at.Line {
			rest = append(rest, f.own[i:]...)
			break
		}
		switch f.owner[c.at.Line] {
		case p:
			p.doc = append(p.doc, c)
		case nil:
			p.above = append(p.above, c)
		default:
			rest = append(rest, c)
			continue
		}
		first = min(first, c.at.Line)
	}
	f.own = rest
	p.afterGap = f.empty(first - 1)
}

// empty reports whether a line of the source is empty.
func (f *formatter) empty(line int) bool {
	return line >= 1 && line <= len(f.lines) && strings.TrimSpace(f.lines[line-1]) == ""
}

// placeBeside gives each comment behind something to the part that began last
// before it.
func (f *formatter) placeBeside() {
	slices.SortStableFunc(f.stops, func(a, b *part) int { return a.at.Compare(b.at) })
	for _, c := range f.all {
		if c.own {
			continue
		}
		i, _ := slices.BinarySearchFunc(f.stops, c.at, func(p *part, at diagnostic.Position) int { return p.at.Compare(at) })
		if i == 0 {
			f.head = append(f.head, c)
			continue
		}
		f.stops[i-1].beside = append(f.stops[i-1].beside, c)
	}
}

// findOrder says which mappings have an order and which have empty lines.
func (f *formatter) findOrder() {
	f.order = map[*shape][]string{f.root: {"version", "package", "defaults", "queues", "types", "jobs", "accept"}}
	f.spaced = map[*shape]spacedRule{f.root: spacedBlocks}
	options := []string{"queue"}
	for _, t := range schema.Options() {
		options = append(options, t.Name)
	}
	options = append(options, "version", "reserved", "payload")
	fields := func(owner *shape, key string) {
		for _, p := range owner.parts {
			if p.name != key {
				continue
			}
			for _, field := range p.value.parts {
				f.order[field.value] = []string{"type", "default", "renamed_from", "deprecated"}
			}
		}
	}
	for _, section := range f.root.parts {
		switch section.name {
		case "defaults":
			f.order[section.value] = options
		case "queues":
			for _, p := range section.value.parts {
				f.order[p.value] = options
			}
		case "accept":
			for _, p := range section.value.parts {
				f.order[p.value] = []string{"rule", "of", "was", "is", "reason"}
			}
		case "types", "jobs":
			f.spaced[section.value] = spacedParts
			for _, p := range section.value.parts {
				if section.name == "jobs" {
					f.order[p.value] = options
					fields(p.value, "payload")
				} else {
					f.order[p.value] = []string{"reserved", "fields"}
					fields(p.value, "fields")
				}
			}
		}
	}
	for s := range f.order {
		if s.flow { // no comment in it has a place to keep
			s.parts = f.sorted(s)
		}
	}
}
