package diagnostic

// A Rule is one way in which a jobs.yaml can be wrong. Its name is what is
// printed, and is never given to another rule.
type Rule struct {
	Name    string // "unknown-key"
	Title   string // a few words
	About   string // what it is about: "YAML"
	Meaning string // what is refused, why, and what to do
	Example string // a jobs.yaml with this mistake and no other
}

// Rules returns every rule in the order of the reference, those about one thing
// next to each other.
func Rules() []*Rule { return rules }

var rules []*Rule

// about returns what makes rules about one thing.
func about(what string) func(name, title, meaning, example string) *Rule {
	return func(name, title, meaning, example string) *Rule {
		r := &Rule{Name: name, Title: title, About: what, Meaning: meaning, Example: example}
		rules = append(rules, r)
		return r
	}
}

var (
	aboutYAML     = about("YAML")
	aboutLanguage = about("The language")
	aboutPackage  = about("The generated package")
	aboutTypes    = about("Go types")
)

// example completes the part of a jobs.yaml that a rule is about.
func example(part string) string { return ExampleHead + part }

// ExampleHead begins most examples, and emails follows in most of those.
const (
	ExampleHead = "version: 1\npackage: example.com/shop/gen/jobs\n"
	emails      = "queues:\n  emails: {}\n"
)

// field is an example with one field.
func field(key, typ string) string {
	return example(emails + "jobs:\n  email:\n    queue: emails\n    payload:\n      " + key + ": " + typ + "\n")
}

// option is an example of a job with one more line.
func option(line string) string {
	return example(emails + "jobs:\n  email:\n    queue: emails\n    " + line + "\n    payload: {to: string}\n")
}

const email = "jobs:\n  email: {queue: emails, payload: {to: string}}\n"

// What the reader of YAML refuses.
var (
	NotUTF8 = aboutYAML("not-utf8", "the file is not UTF-8",
		"A jobs.yaml is text in UTF-8. Save it in that encoding.",
		example(emails+"jobs:\n  # caf\xe9\n  email: {queue: emails, payload: {to: string}}\n"))
	BadCharacter = aboutYAML("invisible-character", "an invisible character",
		"Control characters, and characters that change the direction of text, make a file look different from what it says. Remove them. In quotes, write them as an escape such as `\"\\u00a0\"`.",
		example(emails+"jobs:\n  # See \u202e this\n  email: {queue: emails, payload: {to: string}}\n"))
	Syntax = aboutYAML("invalid-yaml", "invalid YAML",
		"The file cannot be read as YAML. The message says what the likely mistake is: wrong indentation, a missing colon, space, quote or bracket, a tab, a merge conflict. Nothing else in the file was checked.",
		field("tags", "[string]?"))
	Feature = aboutYAML("unsupported-yaml", "an unsupported feature of YAML",
		"Anchors, aliases, merge keys, tags, directives and keys that begin with a question mark are refused, so that each line can be read by itself. Write the value out, or use `defaults`.",
		example(emails+"jobs:\n  email: {queue: emails, payload: {to: &a string}}\n"))
	SecondDocument = aboutYAML("second-document", "a second document",
		"A file has one document. Remove the line `---` and what follows, or move it to another file.",
		example(emails+email+"---\nversion: 1\n"))
	TooLarge = aboutYAML("too-large", "too deep or too large",
		"A file may have 64 levels, 20,000 keys in one mapping and 16 MiB.",
		field("tags", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[string]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"))
	WrongIndentation = aboutYAML("wrong-indentation", "lines that are not indented",
		"The lines that belong to a key are indented below it. Indent them.",
		example(emails+"jobs:\n  email:\n  queue: emails\n  payload: {to: string}\n"))
	DuplicateKey = aboutYAML("duplicate-key", "a duplicate key",
		"Only one of the values could count. Remove or rename one.",
		example(emails+"jobs:\n  email: {queue: emails, payload: {to: string, to: bytes}}\n"))
)

// What the language refuses.
var (
	UnknownKey = aboutLanguage("unknown-key", "an unknown key",
		"The reference lists all keys, see [jobs.yaml](jobs-yaml.md).",
		option("max_attempt: 3"))
	MissingKey = aboutLanguage("missing-key", "a missing key",
		"The key is required: it has no default.",
		example(emails+"jobs:\n  email: {payload: {to: string}}\n"))
	WrongKind = aboutLanguage("wrong-kind", "a value of the wrong kind",
		"The key needs a mapping, a list, text or a number, and has something else. Write text that YAML reads as something else, such as `yes`, `null` or `1.0`, in quotes.",
		example("queues: emails\n"+email))
	BadVersion = aboutLanguage("unsupported-version", "an unsupported version",
		"`version` is the version of the language. This jobgen reads version 1. The `format` of a `jobs.lock` is 1 too; a newer jobgen may write a newer one.",
		"version: 2\npackage: example.com/shop/gen/jobs\n"+emails+email)
	BadName = aboutLanguage("invalid-name", "a name that cannot be used",
		"The names of jobs, types and fields begin with a letter, followed by letters, digits and `_`. Names of jobs and fields may also contain `-` and `.`. They have at most 100 characters. The name of a queue is any text of at most 255 bytes without control characters.",
		example(emails+"jobs:\n  2fa: {queue: emails, payload: {to: string}}\n"))
	UnknownQueue = aboutLanguage("unknown-queue", "a queue that is not declared",
		"Each queue is declared under `queues`, so that a typo does not create a queue that no worker works.",
		example(emails+"jobs:\n  email: {queue: email, payload: {to: string}}\n"))
	BadOption = aboutLanguage("invalid-option", "an invalid option",
		"An option has a value that is not valid. The message says which values are; [jobs.yaml](jobs-yaml.md#a-job) says what they mean.",
		option("max_attempts: 0"))
	UnknownType = aboutLanguage("unknown-type", "a type that does not exist",
		"A field's type is one of the built-in ones, a type that the file declares under `types`, or a Go type with its import path, such as `net/netip.Addr`.",
		field("to", "strin"))
	BadType = aboutLanguage("invalid-type", "invalid type",
		"A type is a name, `[T]` for a list, `{string: T}` for a map, and any of these followed by `?` if it is optional. An optional list or map is written in quotes: `\"[T]?\"`.",
		field("tags", "\"[]string\""))
	StructOrEnum = aboutLanguage("struct-or-enum", "neither struct nor enum",
		"A type is declared with either `fields` or `enum`.",
		example(emails+"types:\n  address: {}\n"+email))
	BadEnum = aboutLanguage("invalid-enum", "invalid enum",
		"An enum has at least one value, and each value once.",
		example(emails+"types:\n  status: {enum: [active, active]}\n"+email))
	NoJobs = aboutLanguage("no-jobs", "no jobs",
		"A file needs at least one job: without one there is no code to generate.",
		example(emails+"jobs: {}\n"))
	Recursive = aboutLanguage("recursive-type", "a struct that contains itself",
		"Such a value would be infinite. Make one of the fields optional, a list or a map.",
		example(emails+"types:\n  node:\n    fields:\n      next: node\n"+email))
	BuiltinName = aboutLanguage("builtin-name", "the name of a built-in type",
		"A declared type cannot have the name of a built-in type.",
		example(emails+"types:\n  date: {fields: {day: int}}\n"+email))
	BadDefault = aboutLanguage("invalid-default", "invalid default",
		"`default` is a value of the field's type, which is text, a number, a boolean, a duration or an enum, and not optional.",
		field("size", "{type: int, default: big}"))
	BadPayloadVersion = aboutLanguage("invalid-payload-version", "invalid payload version",
		"The `version` of a job is that of its payload, a whole number from 1 to 32767.",
		option("version: 0"))
	ReservedKey = aboutLanguage("reserved-key", "a key that is reserved",
		"`reserved` lists keys that a payload or a struct has had and must not have again, since they may mean something else in stored jobs. Give the field another key.",
		option("reserved: [to]"))
	BadRename = aboutLanguage("same-stored-key", "two fields stored under one key",
		"`renamed_from` names the key that a field is stored under, which stays the same when the field is renamed. No other field of the payload or struct can have that key.",
		example(emails+"jobs:\n  email: {queue: emails, payload: {to: string, address: {type: string, renamed_from: to}}}\n"))
	BadAcceptance = aboutLanguage("invalid-acceptance", "an incomplete acceptance",
		"An entry of `accept` names the rule of `jobgen breaking`, what has changed, its value before and after, and a reason. `jobgen breaking` prints the entry for each change that it reports.",
		example(emails+email+"accept:\n  - {rule: field-removed, of: email.cc, was: string?}\n"))
)

// What does not work out in Go.
var (
	BadPackagePath = aboutPackage("invalid-package", "invalid import path",
		"`package` is the import path of the package to generate: elements of letters, digits, `-`, `_`, `.` and `~` with `/` between them.",
		"version: 1\npackage: example.com/shop/../evil\n"+emails+email)
	OutsideModule = aboutPackage("outside-module", "a package outside the module",
		"The package must be in the same Go module as jobs.yaml. jobgen writes nowhere else.",
		"version: 1\npackage: example.org/elsewhere/jobs\n"+emails+email)
	BadPackageName = aboutPackage("invalid-package-name", "a path that gives no package name",
		"The package is called after the last element of its path, or the last but one before a version such as `v2`. That must be a name that Go can import.",
		"version: 1\npackage: example.com/shop/gen/main\n"+emails+email)
	SameGoName = aboutPackage("same-go-name", "two names that are the same in Go",
		"Names are converted to Go's form, `account_id` to `AccountID`, and each job generates several: `…Job`, `New…Job`, `Enqueue…`, `Handle…` and so on, as does each queue: `…Queue`, `…QueueHandlers` and `Handle…Queue`. They must be unique. Rename one of them.",
		example(emails+"jobs:\n  send_email: {queue: emails, payload: {to: string}}\n  sendEmail: {queue: emails, payload: {to: string}}\n"))
)

// What is wrong with a Go type that a field names.
var (
	PackageNotFound = aboutTypes("go-package-not-found", "a Go package that cannot be loaded",
		"The package of a Go type must be in the module or among its requirements, and must compile. Add it with `go get`, or correct it.",
		field("at", "example.com/shop/nowhere.Place"))
	TypeNotFound = aboutTypes("go-type-not-found", "a Go type that does not exist",
		"The package has no exported type of this name.",
		field("from", "net/netip.Adr"))
	NotImportable = aboutTypes("go-type-not-usable", "a Go type that generated code cannot use",
		"A generic type, a type of a `main` or `internal` package or of one that itself imports the generated code cannot be the type of a field.",
		field("list", "sync/atomic.Pointer"))
	NoRoundTrip = aboutTypes("go-type-not-json", "a Go type that JSON would lose",
		"A payload is stored as JSON, and must read back the same. So a type needs exported fields of types that JSON supports, or methods to marshal and unmarshal itself.",
		field("lock", "sync.Mutex"))
)
