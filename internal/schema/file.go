package schema

import (
	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/fieldtype"
	"github.com/jobgen/jobgen/internal/yaml"
)

// Version is the version of the language that Parse reads.
const Version = 1

// A File is a jobs.yaml. Of one with mistakes it holds what could be read, so
// that later checks can add theirs.
type File struct {
	Name    string // as given to Parse
	Package Text   // import path of the package to generate; zero when missing
	Queues  []*Queue
	Types   []*Type
	Jobs    []*Job
	// Accepted is what of the file's change is meant, though it breaks somebody.
	Accepted []*Acceptance
	Keys     map[string]diagnostic.Position // of the sections, by their names
	// Lock is the jobs.lock that goes with the file, with the file's own
	// payloads as the newest versions; nil where nobody has looked at it.
	Lock *Lock
}

// A Text is a word of the file.
type Text = yaml.Text

// A Queue is a queue that the file declares.
type Queue struct {
	Name Text
	Doc  string // the comment above, lines joined by "\n", without marks
}

// A Type is a type that the file declares: a struct or a string enum.
type Type struct {
	Name     Text
	Doc      string
	IsEnum   bool
	Fields   []*Field     // of a struct, in the order of the file
	Reserved []Text       // of a struct: keys that its fields cannot have
	Enum     []*EnumValue // of an enum
	Gone     []*Field     // of a struct in a jobs.lock: fields that it had
}

// An EnumValue is one value of an enum.
type EnumValue struct {
	Value Text
	Doc   string
}

// A Job is one job type.
type Job struct {
	Type     Text
	Doc      string
	Queue    Option[string]
	Options  []JobOption   // every one, in the order of the table
	Version  Option[int16] // of the payload; not set for the one of the lock
	Payload  []*Field
	Reserved []Text // keys that its payload's fields cannot have
}

// An Option is the value of an option, and the place that it comes from: the
// job's own line, that of its queue, or that of the file's defaults. At is zero
// where none sets it and the runtime's own default holds.
type Option[T any] struct {
	Value     T
	At        diagnostic.Position
	Inherited bool // from the job's queue or the file's defaults
	OfQueue   bool // from the job's queue
}

// IsSet reports whether the file sets the option.
func (o Option[T]) IsSet() bool { return o.At.Line > 0 }

// A Field is a field of a payload or a struct.
type Field struct {
	Key         Text
	Doc         string
	Type        *Ref     // nil after a mistake
	RenamedFrom Text     // the key that it is stored under, where that is another
	Deprecated  Text     // what to use instead
	Default     *Default // nil for none
}

// Stored is the key that the field has in the JSON of a payload. Renaming a
// field keeps it.
func (f *Field) Stored() string {
	if f.RenamedFrom.Value != "" {
		return f.RenamedFrom.Value
	}
	return f.Key.Value
}

// A Default is the value of a field that a stored payload lacks.
type Default struct {
	At   diagnostic.Position
	Text string // as a file writes it, without quotes
	// Value is the value in Go, a string, bool, int64, float64 or time.Duration;
	// nil after a mistake.
	Value any
	JSON  string // as a payload would hold it; "" after a mistake
}

// A Ref is the type of a field. Exactly one of Builtin, List, Map, Declared and
// Name is set.
type Ref struct {
	At       diagnostic.Position
	Optional bool
	Builtin  *fieldtype.Type
	List     *Ref // the type of its elements
	Map      *Ref // the type of its values; keys are strings
	Declared *Type
	Import   string // of a Go type: the import path
	Name     string // and the type's name
}

// String returns the type as a file writes it.
func (r *Ref) String() string {
	var s string
	switch {
	case r.Builtin != nil:
		s = r.Builtin.Name
	case r.List != nil:
		s = "[" + r.List.String() + "]"
	case r.Map != nil:
		s = "{string: " + r.Map.String() + "}"
	case r.Declared != nil:
		s = r.Declared.Name.Value
	case r.Name != "":
		s = r.Import + "." + r.Name
	}
	if r.Optional {
		s += "?"
	}
	return s
}
