package emit_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/jobgen/jobgen/internal/gotypes"
	"github.com/jobgen/jobgen/internal/schema"
)

// compileAccepted generates the code of src, a file in the directory dir, and
// type-checks it, when jobgen finds no mistake in it. It reports whether that
// is so.
func compileAccepted(t *testing.T, dir, src string) bool {
	t.Helper()
	file, mistakes := schema.Parse("jobs.yaml", []byte(src))
	if len(mistakes) > 0 {
		return false
	}
	pkg, _, mistakes, err := gotypes.Load(t.Context(), file, dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(mistakes) > 0 {
		return false
	}
	compile(t, pkg, filesOf(t, pkg))
	return true
}

const acceptedHead = "version: 1\npackage: example.com/app/gen/jobs\nqueues: {q: {}}\n"

// Go types in a file would have the go command look for their packages.
var goTypes = []string{"/", "time.", "sync.", "bytes.", "net."}

func FuzzWhatIsAcceptedCompiles(f *testing.F) {
	for _, rest := range []string{
		"jobs:\n  # Doc\n  email: {queue: q, max_attempts: 3, payload: {to: string, cc: \"[string]?\"}}\n",
		"types:\n  t: {fields: {next: t?, s: s}}\n  s: {enum: [a, \"\", +, 1]}\njobs:\n  j: {queue: q, payload: {t: {string: [t?]}}}\n",
		"jobs: {a: {queue: q, version: 1, reserved: [b], payload: {x: {type: string, default: a, renamed_from: y, deprecated: z}}}}\n",
		"defaults: {max_work_duration: 1h, priority: 9, queue: q}\njobs: {a: {payload: {type: time, default: json, len: bytes?}}, b_c: {payload: {}}}\n",
	} {
		f.Add(rest)
	}
	dir := module(f)
	f.Fuzz(func(t *testing.T, rest string) {
		if slices.ContainsFunc(goTypes, func(s string) bool { return strings.Contains(rest, s) }) {
			t.Skip("Go types have tests of their own")
		}
		compileAccepted(t, dir, acceptedHead+rest)
	})
}

func TestGoTypesCompileWhereverATypeCanStand(t *testing.T) {
	t.Parallel()
	if !compileAccepted(t, module(t), acceptedHead+`jobs:
  a:
    queue: q
    payload:
      a: net/netip.Addr
      b: net/netip.Addr?
      c: [net/netip.Prefix]
      d: {string: net/netip.Prefix}
      e: "[net/netip.AddrPort?]?"
      f: time.Duration
      g: encoding/json.Number
`) {
		t.Error("the file was not accepted")
	}
}

// Files of names that are likely to meet each other or something in Go.
func TestWhatIsAcceptedOfTrickyNamesCompiles(t *testing.T) {
	t.Parallel()
	dir := module(t)
	names := rapid.SampledFrom([]string{
		"email", "email_batch", "email_job", "email_job_type", "new_email", "enqueue", "handle", "all", "handlers", "catalogue", "handle_all",
		"type", "func", "string", "error", "context", "ctx", "service", "payload", "opts", "mux", "handler", "handlers", "job", "jobs", "runtime",
		"snowflake", "time", "json", "id", "ID", "iD", "nil", "len", "append", "init", "main", "_", "a_b", "aB", "ab", "a.b", "a-b", "x1", "x_1", "v", "valid",
		"marshal_text", "String", "EMAIL", "push_ios", "x_test", "true", "options", "queue", "date", "uuid",
	})
	refs := rapid.SampledFrom([]string{
		"string", "bool?", "int", "time", "time?", "duration", "json", "json?", "bytes?", "snowflake", "[uuid]", "{string: date}", "\"[decimal]?\"", "[[t]]", "t", "t?", "e", "e?",
		"{string: [e?]}", "{type: int, default: -3}", "{type: string, default: a}", "{type: duration, default: 1h, deprecated: it is}", "{type: string, renamed_from: w}",
	})
	accepted := 0
	rapid.Check(t, func(r *rapid.T) {
		fields := func(indent string) string {
			var b strings.Builder
			for _, name := range rapid.SliceOfNDistinct(names, 0, 4, rapid.ID).Draw(r, "fields") {
				fmt.Fprintf(&b, "%s%q: %s\n", indent, name, refs.Draw(r, "type"))
			}
			return b.String() // nothing is none
		}
		var b strings.Builder
		b.WriteString("version: 1\npackage: example.com/app/gen/jobs\nqueues:\n")
		texts := rapid.OneOf(names, rapid.SampledFrom([]string{"emails", "q", "2fa", "日本", "ü b", "+", "a/b", "email queue", "-"}), rapid.String())
		queues := rapid.SliceOfNDistinct(texts, 1, 3, rapid.ID).Draw(r, "queues")
		for _, queue := range queues {
			fmt.Fprintf(&b, "  %s: {}\n", yamlQuote(queue))
		}
		b.WriteString("types:\n  t:\n    fields:\n" + fields("      "))
		values := rapid.SliceOfNDistinct(rapid.OneOf(names, rapid.String()), 1, 3, rapid.ID).Draw(r, "values")
		fmt.Fprintf(&b, "  e:\n    enum: [")
		for _, v := range values {
			fmt.Fprintf(&b, "%s, ", yamlQuote(v))
		}
		b.WriteString("]\njobs:\n")
		for _, name := range rapid.SliceOfNDistinct(names, 1, 3, rapid.ID).Draw(r, "jobs") {
			fmt.Fprintf(&b, "  %q:\n    queue: %s\n    payload:\n%s", name, yamlQuote(rapid.SampledFrom(queues).Draw(r, "queue")), fields("      "))
		}
		if compileAccepted(t, dir, b.String()) {
			accepted++
		}
		if t.Failed() {
			r.Fatalf("%s", b.String())
		}
	})
	if accepted == 0 {
		t.Error("no file was accepted")
	}
	t.Logf("%d files were accepted", accepted)
}

// yamlQuote writes s in single quotes.
func yamlQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
