package schema

import (
	"github.com/goccy/go-yaml/ast"

	"github.com/jobgen/jobgen/internal/diagnostic"
)

// A Document is a file that is written in the language of jobs.yaml but has
// sections of its own, as a jobs.lock has. What is wrong with it is gathered
// while it is read.
type Document struct {
	reader *reader
	root   ast.Node // nil where it is not YAML
}

// NewDocument begins to read src.
func NewDocument(src []byte) *Document {
	d := &Document{reader: &reader{}}
	d.root = d.reader.parse(src)
	return d
}

// Add reports a mistake.
func (d *Document) Add(at diagnostic.Position, rule *diagnostic.Rule, format string, args ...any) {
	d.reader.mistakes.Add(at, rule, format, args...)
}

// Mistakes returns what is wrong, in the order of the file.
func (d *Document) Mistakes() diagnostic.List {
	d.reader.mistakes.Sort()
	return d.reader.mistakes
}

// Root returns the document, and whether it could be read at all.
func (d *Document) Root() (Entry, bool) {
	return Entry{d.reader, Text{At: diagnostic.Position{Line: 1, Column: 1}}, d.root}, d.root != nil
}

// An Entry is one key of a mapping with its value.
type Entry struct {
	reader *reader
	Key    Text
	value  ast.Node
}

// Name returns the key, shortened for a message.
func (e Entry) Name() string { return clip(e.Key.Value) }

// Keys hands each entry of the value, a mapping, to the function of its key. It
// reports keys that have none, and returns those that are there, nil where the
// value is not a mapping.
func (e Entry) Keys(what string, known map[string]func(Entry)) map[string]bool {
	funcs := make(map[string]readFunc, len(known))
	for key, read := range known {
		funcs[key] = func(inner entry) { read(Entry{e.reader, inner.key, inner.value}) }
	}
	return e.reader.keys(e.value, what, funcs)
}

// Entries returns the entries of the value, a mapping.
func (e Entry) Entries(what string) []Entry {
	entries, _ := e.reader.mapping(e.value, what)
	all := make([]Entry, len(entries))
	for i, inner := range entries {
		all[i] = Entry{e.reader, inner.key, inner.value}
	}
	return all
}

// Text returns the value, which has to be text; zero after a mistake.
func (e Entry) Text(what string) Text {
	text, _ := e.reader.text(e.value, what)
	return text
}

// Number returns the value, which has to be a whole number, as it is written;
// zero after a mistake.
func (e Entry) Number(what string) Text {
	n, ok := e.value.(*ast.IntegerNode)
	if !ok {
		e.reader.wrongKind(e.value, what, "a number")
		return Text{}
	}
	return Text{n.GetToken().Value, start(n)}
}

// Bool returns the value, which has to be true or false.
func (e Entry) Bool(what string) bool {
	v, ok := e.value.(*ast.BoolNode)
	if !ok {
		e.reader.wrongKind(e.value, what, "true or false")
		return false
	}
	return v.Value
}

// CheckJobName reports what is wrong with the key as the name of a job.
func (e Entry) CheckJobName(what string) {
	b := &builder{reader: e.reader, file: &File{}}
	b.checkName(e.Key, what, dottedName)
}

// A PayloadSections holds the entries of one version of a payload; nil for those
// that are not there.
type PayloadSections struct {
	Payload, Removed, Types, Reserved *Entry
}

// Read gives p the fields and types of the version that is called what.
func (s PayloadSections) Read(d *Document, p *Payload, what string) {
	b := &builder{reader: d.reader, file: &File{}, inLock: true}
	if s.Reserved != nil {
		p.Reserved = b.reserved(s.Reserved.value, what)
	}
	if s.Types != nil {
		b.readTypes(entry{key: s.Types.Key, value: s.Types.value})
		p.Types = b.file.Types
	}
	if s.Payload != nil {
		p.Fields = b.fields(s.Payload.value, "the payload of "+what)
	}
	if s.Removed != nil {
		p.Gone = b.fields(s.Removed.value, "what is removed of "+what)
	}
	b.checkStored(p.Fields, p.Reserved, what)
	b.finish()
}
