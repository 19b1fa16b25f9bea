package gotypes

import "github.com/jobgen/jobgen/internal/fieldtype"

// A Package is a checked jobs.yaml in terms of Go. Every name in it is valid
// and free of collisions, every text is valid UTF-8.
type Package struct {
	Source string // the file that it is made from, by its path in the module, with slashes
	Path   string // import path of the package to generate
	Name   string // its package name
	Queues []*Queue
	Types  []*Named
	Jobs   []*Job // all in the order of the file
}

// A Queue is a queue that the file declares.
type Queue struct {
	Name  string // Go name: "Emails", the stem of EmailsQueue and HandleEmailsQueue
	Value string // as stored: "emails"
	Doc   string
}

// A Job is one job type.
type Job struct {
	Type   string   // the job type as stored: "email"
	Name   string   // its Go name: "Email", the stem of EnqueueEmail and EmailJob
	File   string   // the file it is generated into: "email_job.gen.go"
	Doc    string   // lines joined by "\n", without comment marks; "" for none
	Queue  string   // the queue's name as stored: "emails"
	Fields []*Field // in the order in which they first appeared

	Version  int16              // of the payload; 0 is 1
	Previous []*PreviousVersion // versions of which jobs may still wait, in order

	// BatchTaken says that another job's function is called EnqueueEmailBatch.
	BatchTaken bool

	Options []Option // those that are set, or that runtime would not have so by itself
}

// Batch returns the name of the function that enqueues many jobs, "" for a job
// without fields.
func (j *Job) Batch() string {
	switch {
	case len(j.Fields) == 0: // nothing to tell the jobs apart
		return ""
	case j.BatchTaken:
		return "Enqueue" + j.Name + "Jobs"
	}
	return "Enqueue" + j.Name + "Batch"
}

// An Option is an option of a job, by its name in jobs.yaml.
type Option struct {
	Name  string
	Value any // as package schema has it
}

// A PreviousVersion is a version of a job's payload before the current one.
type PreviousVersion struct {
	Version int16
	// Name is that of its struct, "EmailJobV1"; "" where the struct of the
	// next version that has one reads it as it is.
	Name    string
	File    string // "email_job_v1.gen.go"
	Upgrade string // the method that brings it to the next version's struct: "UpgradeEmailV1", of EmailUpgrades
	Fields  []*Field
	Types   []*Named // those of its types that are not the package's own any longer
}

// A Named is a type that the file declares: a struct or a string enum.
type Named struct {
	Name   string // Go name
	Doc    string
	Fields []*Field     // of a struct
	Enum   []*EnumValue // of an enum; a Named has either fields or enum values, a struct may have none
	IsEnum bool
}

// An EnumValue is one value of a string enum.
type EnumValue struct {
	Name  string // Go constant: "StatusAccountClosed"
	Value string // the text itself: "account.closed"
	Doc   string
}

// A Field is a field of a payload or of a struct type.
type Field struct {
	Key   string // the key that it is stored under: "account_id"
	Name  string // Go field: "AccountID"
	Param string // Go parameter of the constructor: "accountID"; never a keyword, never shadowing what the body uses
	Doc   string
	Type  Type

	Deprecated string   // what to use instead; "" for none
	Default    *Default // what a stored payload without the key means; nil for none
}

// A Default is the default of a field.
type Default struct {
	Value any    // a string, bool, int64, float64 or time.Duration; of an enum its text
	Const string // the Go constant of an enum's value
}

// A Type is the type of a field.
type Type struct {
	Kind     Kind
	Optional bool // a pointer in Go, left out of the JSON when nil; lists and maps become nil instead
	Builtin  *fieldtype.Type
	Elem     *Type  // of a list or a map
	Named    *Named // of KindNamed
	Import   string // of KindImported: the import path
	Name     string // of KindImported: the type's name
}

// Kind says what a [Type] is.
type Kind int

// The kinds, and the Go type of each.
const (
	KindBuiltin  Kind = iota // that of Builtin
	KindList                 // []Elem
	KindMap                  // map[string]Elem
	KindNamed                // Named
	KindImported             // Import.Name
)

// Nilable reports whether a value of the type is absent as nil, and needs no
// pointer for it.
func (t Type) Nilable() bool {
	return t.Kind == KindList || t.Kind == KindMap || t.Kind == KindBuiltin && t.Builtin.Nilable
}
