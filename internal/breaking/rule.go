package breaking

import (
	"github.com/jobgen/jobgen/internal/schema"
)

// A Level says how far a change reaches.
type Level string

// The levels, from the one that reaches least to the one that reaches furthest.
const (
	Source Level = "SOURCE" // Go code has to be changed, or enqueues otherwise than before
	Wire   Level = "WIRE"   // new jobs differ from what running binaries or SQL callers know
	Rows   Level = "ROWS"   // jobs that wait are stranded, or mean something else
)

// Levels returns the levels in order.
func Levels() []Level { return []Level{Source, Wire, Rows} }

// Includes reports whether what is of the level other is reported where l is
// the least that is.
func (l Level) Includes(other Level) bool {
	order := map[Level]int{Source: 0, Wire: 1, Rows: 2}
	return order[other] >= order[l]
}

// A Party is something that a change breaks.
type Party string

// The parties.
const (
	WaitingJobs     Party = "waiting jobs"
	RunningBinaries Party = "running binaries"
	GoCallers       Party = "Go callers"
	SQLCallers      Party = "SQL callers"
)

// A Rule is one way in which a change breaks something. Its name is what is
// printed, and is never given to another rule.
type Rule struct {
	Name    string // "package-moved"
	Level   Level  // the furthest that a change against it reaches
	Meaning string // what happens, and to whom
	Do      string // what to do
	// Old and New are jobs.yaml files between which this rule is broken, and
	// no other. Both are empty where it takes a database to break it, or a
	// change that breaks another rule too.
	Old, New string
}

// Rules returns every rule in the order of the reference.
func Rules() []*Rule { return rules }

var rules []*Rule

func rule(name string, level Level, meaning, do, old, new string) *Rule {
	r := &Rule{Name: name, Level: level, Meaning: meaning, Do: do, Old: old, New: new}
	rules = append(rules, r)
	return r
}

const head = "version: 1\npackage: example.com/shop/gen/jobs\nqueues: {emails: {}, bulk: {}}\n"

// job is an example with one job.
func job(lines string) string {
	return head + "jobs:\n  email:\n    queue: emails\n" + lines
}

// payload is an example of one job with fields.
func payload(fields string) string { return job("    payload: {" + fields + "}\n") }

// What breaks around payloads.
var (
	PackageMoved = rule("package-moved", Source,
		"The generated package has another import path, so every import of it breaks. Jobs are not affected: they know their type alone.",
		"change the imports, and remove the old package's folder",
		payload("to: string"), "version: 1\npackage: example.com/shop/jobs\nqueues: {emails: {}, bulk: {}}\njobs: {email: {queue: emails, payload: {to: string}}}\n")
	QueueRemoved = rule("queue-removed", Rows,
		"No worker looks at the queue any longer. Jobs in it wait forever, including those that a caller adds by the queue's name.",
		"keep the queue and a job on it until it is empty",
		payload("to: string"), "version: 1\npackage: example.com/shop/gen/jobs\nqueues: {emails: {}}\njobs: {email: {queue: emails, payload: {to: string}}}\n")
	JobRemoved = rule("job-removed", Rows,
		"The new binary does not know the type, and leaves its jobs alone: they are never lost, and never done. What enqueues them in Go no longer compiles.",
		"first stop enqueuing it; remove it when no job of it waits, see jobgen breaking --database",
		head+"jobs:\n  email: {queue: emails, payload: {to: string}}\n  letter: {queue: emails, payload: {to: string}}\n", payload("to: string"))
	QueueChanged = rule("job-queue-changed", Rows,
		"New jobs go to the new queue, and workers look at that. Those that wait stay in the old one, which nobody works unless another job is on it. SQL that names the old queue goes on filling it.",
		"leave workers of the old binary running until the old queue is empty",
		payload("to: string"), head+"jobs:\n  email: {queue: bulk, payload: {to: string}}\n")
	GoNameChanged = rule("go-name-changed", Source,
		"The field has another name in Go and is stored under the same key, so nothing that is stored changes.",
		"rename it where Go code uses it",
		payload("template: string"), payload("email_id: {type: string, renamed_from: template}"))
	ArgumentChanged = rule("constructor-argument-changed", Source,
		"The constructor has parameters of the same types as before, and one of them sets another field: calls compile and mean something else. A required field that takes the place of another has this effect, and other rules say what it means for jobs; the order of lines has none, since `jobs.lock` remembers the first one.",
		"look at every call of the constructor",
		"", "")
	TypeRemoved = rule("type-removed", Source,
		"The type is gone from the generated package. The rules for fields say what becomes of those that had it.",
		"change the Go code that uses it",
		head+"types: {size: {enum: [s, m]}}\njobs: {email: {queue: emails, payload: {to: string}}}\n", payload("to: string"))
)

// lowered has the rules about options whose value is lowered.
var lowered = func() map[*schema.OptionType]*Rule {
	lowered := make(map[*schema.OptionType]*Rule)
	for _, t := range schema.Options() {
		l := t.Lowered
		if l == nil {
			continue
		}
		set := func(value string) string {
			return job("    " + t.Name + ": " + value + "\n    payload: {to: string}\n")
		}
		lowered[t] = rule(l.Name, Source, l.Meaning, l.Do, set(l.Old), set(l.New))
	}
	return lowered
}()

// What breaks in a payload.
var (
	FieldRemoved = rule("field-removed", Wire,
		"The new binary passes over the field where it is stored, and code that uses it does not compile. Where the field was required, running binaries cannot do without it: new jobs get the next payload version, and those binaries leave them alone.",
		"nothing if the field is no longer needed; reserve its key, so that no other field takes it",
		payload("to: string, cc: string"), payload("to: string"))
	FieldAdded = rule("field-required-added", Rows,
		"Jobs that wait do not have the field, nor do those that SQL enqueues as before.",
		"make it optional or give it a default; or say the job's next version, and write the upgrade",
		payload("to: string"), payload("to: string, subject: string"))
	FieldTypeChanged = rule("field-type-changed", Rows,
		"What is stored under the key does not read as the new type, or does not always.",
		"add a field with another key; or say the job's next version, and write the upgrade",
		payload("size: int64"), payload("size: int32"))
	FieldTypeWidened = rule("field-type-widened", Wire,
		"The new type reads all that the old one wrote, and not the other way round. New jobs get the next payload version, and running binaries leave them alone.",
		"nothing; replace the running binaries",
		payload("size: int32"), payload("size: int64"))
	FieldMadeRequired = rule("field-made-required", Rows,
		"Jobs that wait may lack the field, as may those that SQL enqueues.",
		"give it a default; or say the job's next version, and write the upgrade",
		payload("cc: string?"), payload("cc: string"))
	FieldMadeOptional = rule("field-made-optional", Wire,
		"New jobs may lack the field, which running binaries need. New jobs get the next payload version, and those binaries leave them alone. In Go the field becomes a pointer.",
		"nothing; replace the running binaries",
		payload("cc: string"), payload("cc: string?"))
	DefaultChanged = rule("default-changed", Rows,
		"Jobs that are stored without the field, by an older binary or by SQL, now get the new default.",
		"nothing where that is meant; else leave the default, and set the new value where jobs are enqueued",
		payload("size: {type: int, default: 1}"), payload("size: {type: int, default: 2}"))
	EnumValueRemoved = rule("enum-value-removed", Rows,
		"Jobs that wait may hold the value, which no constant has now.",
		"keep the value; or say the job's next version, and write the upgrade",
		head+"types: {size: {enum: [s, m]}}\njobs: {email: {queue: emails, payload: {size: size}}}\n",
		head+"types: {size: {enum: [s]}}\njobs: {email: {queue: emails, payload: {size: size}}}\n")
	EnumValueAdded = rule("enum-value-added", Wire,
		"Handlers of running binaries do not know the value. New jobs get the next payload version, and those binaries leave them alone.",
		"nothing; replace the running binaries",
		head+"types: {size: {enum: [s]}}\njobs: {email: {queue: emails, payload: {size: size}}}\n",
		head+"types: {size: {enum: [s, m]}}\njobs: {email: {queue: emails, payload: {size: size}}}\n")
	KeyReused = rule("key-reused", Rows,
		"A field was stored under the key before, and jobs that hold it may wait: they would not read as the new field, or mean something else.",
		"take another key; or say the job's next version, and write the upgrade",
		job("    reserved: [cc]\n    payload: {to: string}\n"), payload("to: string, cc: int?"))
)

// What breaks in the numbers of versions.
var (
	VersionSkipped = rule("version-skipped", Rows,
		"A job's version goes up by one at a time, and no job was ever written at the one that is left out.",
		"say the next version; where jobs.lock should have the previous ones, take it from version control",
		job("    payload: {to: string}\n"), job("    version: 3\n    payload: {to: string}\n"))
	VersionLowered = rule("version-lowered", Rows,
		"Jobs of the greater version may wait, and new ones would have the number of another payload.",
		"put the version back, or say the next one",
		job("    version: 2\n    payload: {to: string}\n"), job("    version: 1\n    payload: {to: string}\n"))
)

// What breaks where a payload begins.
var PayloadAdded = rule("payload-added", Source,
	"A job without fields is enqueued and handled without a payload. With its first field, `Enqueue…` takes one, and so does the handler.",
	"pass the payload where the job is enqueued, and take it in the handler",
	job(""), payload("to: string?"))

// What a database shows.
var (
	RowsNotUnderstood = rule("rows-not-understood", Rows,
		"Jobs wait whose type, version or queue the new binary does not know. It leaves them alone, so they wait until one comes that does.",
		"leave workers of the old binary running until these jobs are done",
		"", "")
	RowsNotReadable = rule("rows-not-readable", Rows,
		"Payloads of waiting jobs do not read as the fields of their version. Their attempts will fail.",
		"correct what enqueues them, or the jobs themselves; or have the field take what is there",
		"", "")
)
