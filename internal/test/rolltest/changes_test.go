package rolltest

import (
	"fmt"
	"strings"
)

// A class is what becomes of a payload's version with a change.
type class string

const (
	same    class = "stays"            // old and new binaries handle each other's jobs
	raised  class = "raised by itself" // old binaries leave new jobs alone
	byHand  class = "said, with an upgrade"
	roll          = "roll"
	nothing       = ""
)

// A side is a schema, and the program around it.
type side struct {
	types   string // entries of types:
	options string // lines of the job
	fields  string // of the payload, after by and n
	// make are statements that set fields of p, which sender "by" enqueues as
	// its job n; s is n as text.
	make string
	// right says of a handled payload p whether it is what its sender meant.
	right string
}

// A change is one change of a schema.
type change struct {
	name     string
	class    class
	old, new side
	upgrade  string // the body of UpgradeRollV1(old RollJobV1) (p RollJob, err error)
}

const (
	sizes2 = "  size: {enum: [s, m]}\n"
	sizes3 = "  size: {enum: [s, m, l]}\n"
)

// changes are twenty, as teams make them.
var changes = []change{
	{
		name: "a new optional field", class: same,
		old: side{fields: "a: string", make: `p.A = "a" + s`, right: `p.A == "a"+s`},
		new: side{fields: "a: string, b: int?", make: `p.A = "a" + s; p.B = pointer(int(p.N))`, right: `p.A == "a"+s && (p.By == "old" && p.B == nil || p.By == "new" && *p.B == int(p.N))`},
	},
	{
		name: "a new field with a default", class: same,
		old: side{fields: "a: string", make: `p.A = "a" + s`, right: `p.A == "a"+s`},
		new: side{fields: "a: string, b: {type: int, default: 7}", make: `p.A = "a" + s; p.B = 8`, right: `p.A == "a"+s && (p.By == "old" && p.B == 7 || p.By == "new" && p.B == 8)`},
	},
	{
		name: "a field gets another name, with `renamed_from`", class: same,
		old: side{fields: "a: string", make: `p.A = "a" + s`, right: `p.A == "a"+s`},
		new: side{fields: "b: {type: string, renamed_from: a}", make: `p.B = "a" + s`, right: `p.B == "a"+s`},
	},
	{
		name: "an optional field goes", class: same,
		old: side{fields: "a: string, b: int?", make: `p.A = "a" + s; p.B = pointer(int(p.N))`, right: `p.A == "a"+s && (p.By == "new" && p.B == nil || p.By == "old" && *p.B == int(p.N))`},
		new: side{options: "reserved: [b]", fields: "a: string", make: `p.A = "a" + s`, right: `p.A == "a"+s`},
	},
	{
		name: "a required field gets a default", class: same,
		old: side{fields: "a: string", make: `p.A = "a" + s`, right: `p.A == "a"+s`},
		new: side{fields: "a: {type: string, default: none}", make: `p.A = "a" + s`, right: `p.A == "a"+s`},
	},
	{
		name: "an optional field gets a default", class: same,
		old: side{fields: "a: string?", make: `if p.N%2 == 0 { p.A = pointer("a" + s) }`, right: `p.By == "old" && p.N%2 == 1 && p.A == nil || p.A != nil && *p.A == "a"+s`},
		new: side{fields: "a: {type: string, default: none}", make: `p.A = "a" + s`, right: `p.By == "old" && p.N%2 == 1 && p.A == "none" || p.A == "a"+s`},
	},
	{
		name: "options, comments and the order of fields", class: same,
		old: side{options: "max_attempts: 4, max_work_duration: 1m", fields: "a: string, b: bool", make: `p.A, p.B = "a"+s, true`, right: `p.A == "a"+s && p.B`},
		new: side{options: "max_attempts: 3, max_work_duration: 30s, priority: 2", fields: "b: bool, a: string", make: `p.A, p.B = "a"+s, true`, right: `p.A == "a"+s && p.B`},
	},
	{
		name: "a new optional field in a struct that a list holds", class: same,
		old: side{types: "  line: {fields: {a: string}}\n", fields: "a: [line]", make: `p.A = []Line{{A: s}, {A: "x"}}`, right: `len(p.A) == 2 && p.A[0].A == s`},
		new: side{types: "  line: {fields: {a: string, b: bool?}}\n", fields: "a: [line]", make: `p.A = []Line{{A: s, B: pointer(true)}, {A: "x"}}`, right: `len(p.A) == 2 && p.A[0].A == s && (p.By == "new") == (p.A[0].B != nil)`},
	},
	{
		name: "a wider number", class: raised,
		old: side{fields: "a: int32", make: `p.A = int32(p.N)`, right: `p.A == int32(p.N)`},
		new: side{fields: "a: int64", make: `p.A = p.N << 32`, right: `p.By == "old" && p.A == p.N || p.By == "new" && p.A == p.N<<32`},
	},
	{
		name: "a new enum value", class: raised,
		old: side{types: sizes2, fields: "a: size", make: `p.A = SizeM`, right: `p.A == SizeM`},
		new: side{types: sizes3, fields: "a: size", make: `p.A = SizeL`, right: `p.By == "old" && p.A == SizeM || p.By == "new" && p.A == SizeL`},
	},
	{
		name: "a required field goes", class: raised,
		old: side{fields: "a: string, b: int", make: `p.A, p.B = "a"+s, 5`, right: `p.A == "a"+s && p.B == 5`},
		new: side{options: "reserved: [b]", fields: "a: string", make: `p.A = "a" + s`, right: `p.A == "a"+s`},
	},
	{
		name: "a required field becomes optional", class: raised,
		old: side{fields: "a: string", make: `p.A = "a" + s`, right: `p.A == "a"+s`},
		new: side{fields: "a: string?", make: nothing, right: `p.By == "new" && p.A == nil || p.By == "old" && *p.A == "a"+s`},
	},
	{
		name: "text for a date", class: raised,
		old: side{fields: "a: date", make: `p.A = value.Date{}.AddDays(int(p.N % 1000))`, right: `p.A == value.Date{}.AddDays(int(p.N % 1000))`},
		new: side{fields: "a: string", make: `p.A = "day " + s`, right: `p.By == "old" && p.A == value.Date{}.AddDays(int(p.N % 1000)).String() || p.A == "day "+s`},
	},
	{
		name: "json for a struct", class: raised,
		old: side{types: "  line: {fields: {a: string}}\n", fields: "a: line", make: `p.A.A = s`, right: `p.A.A == s`},
		new: side{fields: "a: json", make: "p.A = []byte(`[` + s + `]`)", right: "p.By == \"old\" && string(p.A) == `{\"a\":\"` + s + `\"}` || string(p.A) == `[` + s + `]`"},
	},
	{
		name: "a new required field", class: byHand,
		old:     side{fields: "a: string", make: `p.A = "a" + s`, right: `p.A == "a"+s`},
		new:     side{fields: "a: string, b: int", make: `p.A, p.B = "a"+s, 9`, right: `p.A == "a"+s && (p.By == "old" && p.B == 1 || p.By == "new" && p.B == 9)`},
		upgrade: `p.A, p.B = old.A, 1`,
	},
	{
		name: "another type", class: byHand,
		old:     side{fields: "a: string", make: `p.A = s`, right: `p.A == s`},
		new:     side{fields: "a: int64", make: `p.A = p.N`, right: `p.A == p.N`},
		upgrade: `p.A, err = strconv.ParseInt(old.A, 10, 64)`,
	},
	{
		name: "a narrower number in a map", class: byHand,
		old:     side{fields: "a: {string: int64}", make: `p.A = map[string]int64{s: p.N << 32}`, right: `p.A[s] == p.N<<32`},
		new:     side{fields: "a: {string: int32}", make: `p.A = map[string]int32{s: int32(p.N)}`, right: `p.A[s] == int32(p.N)`},
		upgrade: `p.A = map[string]int32{}; for k, v := range old.A { p.A[k] = int32(v >> 32) }`,
	},
	{
		name: "an enum loses a value", class: byHand,
		old:     side{types: sizes3, fields: "a: size", make: `p.A = SizeL`, right: `p.A == SizeL`},
		new:     side{types: sizes2, fields: "a: size", make: `p.A = SizeS`, right: `p.By == "old" && p.A == SizeM || p.By == "new" && p.A == SizeS`},
		upgrade: `p.A = Size(old.A); if old.A == RollJobV1SizeL { p.A = SizeM }`,
	},
	{
		name: "an optional field becomes required, and text a struct", class: byHand,
		old:     side{fields: "a: string?, b: string", make: `p.B = "b" + s`, right: `p.A == nil && p.B == "b"+s`},
		new:     side{types: "  line: {fields: {a: string}}\n", fields: "a: string, b: line", make: `p.A, p.B.A = "a"+s, "b"+s`, right: `p.B.A == "b"+s && (p.By == "old" && p.A == "none" || p.By == "new" && p.A == "a"+s)`},
		upgrade: `p.A, p.B.A = "none", old.B; if old.A != nil { p.A = *old.A }`,
	},
	{
		name: "another meaning of the same fields", class: byHand,
		old:     side{fields: "euros: int64", make: `p.Euros = p.N`, right: `p.Euros == p.N`},
		new:     side{fields: "cents: {type: int64, renamed_from: euros}", make: `p.Cents = p.N * 100`, right: `p.Cents == p.N*100`},
		upgrade: `p.Cents = old.Euros * 100`,
	},
}

// name is what the job of change i is called.
func jobName(i int) string { return fmt.Sprintf("%s%02d", roll, i+1) }

// goText gives a piece of Go the names of change i.
func goText(i int, text string) string {
	return strings.ReplaceAll(text, "Roll", fmt.Sprintf("Roll%02d", i+1))
}

// yaml is the jobs.yaml of a side of change i, for a package of that name.
func (s side) yaml(i int, pkg string, version int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\npackage: %s\nqueues: {q%02d: {}}\n", pkg, i+1)
	if s.types != "" {
		b.WriteString("types:\n" + s.types)
	}
	options := s.options
	if !strings.Contains(options, "max_attempts") {
		options = strings.Trim(options+", max_attempts: 3", ", ")
	}
	if version > 1 {
		options += fmt.Sprintf(", version: %d", version)
	}
	fmt.Fprintf(&b, "jobs:\n  %s: {queue: q%02d, %s, payload: {by: string, n: int64, %s}}\n", jobName(i), i+1, options, s.fields)
	return b.String()
}
