package schema_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jobgen/jobgen/internal/schema"
)

// places returns the mistakes in src as "line:column rule".
func places(src string) []string {
	_, mistakes := schema.Parse("jobs.yaml", []byte(src))
	places := make([]string, 0, len(mistakes))
	for _, m := range mistakes {
		places = append(places, fmt.Sprintf("%s %s", m.Position, m.Rule.Name))
	}
	return places
}

const head = "version: 1\npackage: example.com/shop/gen/jobs\nqueues: {q: {}}\n"

func TestAFileIsReadAsItStands(t *testing.T) {
	t.Parallel()
	file, mistakes := schema.Parse("jobs.yaml", []byte("\ufeff"+strings.ReplaceAll(`# Not about version.

version: 1
package: example.com/shop/gen/jobs
defaults:
  queue: q
  max_attempts: 3
  priority: 2
queues:
  # For
  #   all.
  q:
types:
  address:
    fields:
      street: string
      # Next one.
      next: address?
  status:
    enum:
      # It can log in.
      - active
      - "closed: really" # not this
jobs:
  # not this either
    # nor this
  # Sends.
  #
  # One.
  email:
    max_attempts: unlimited # nor this
    max_work_duration: 1m30.5s
    payload:
      to: [address]
      tags: "[string?]?"
      by: {string: [net/netip.Addr]}
      at: '{string: time}?'
      s: status
  ping: {payload: {}}
`, "\n", "\r\n")))
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	address, status := file.Types[0], file.Types[1]
	if address.Fields[1].Type.Declared != address || !address.Fields[1].Type.Optional || address.Fields[1].Doc != "Next one." {
		t.Errorf("the second field of address is %+v", address.Fields[1])
	}
	if !status.IsEnum || status.Enum[0].Doc != "It can log in." || status.Enum[1].Value.Value != "closed: really" || status.Enum[1].Doc != "" {
		t.Errorf("status is %+v %+v", status.Enum[0], status.Enum[1])
	}
	if doc := file.Queues[0].Doc; doc != "For\n  all." {
		t.Errorf("the queue's doc is %q", doc)
	}
	email, ping := file.Jobs[0], file.Jobs[1]
	if email.Doc != "Sends.\n\nOne." {
		t.Errorf("the job's doc is %q", email.Doc)
	}
	if email.Queue.Value != "q" || !email.Option("max_attempts").IsSet() || email.Option("max_attempts").Value != schema.Unlimited || email.Option("max_work_duration").Value != 90500*time.Millisecond {
		t.Errorf("the job is %+v", email)
	}
	attempts, priority := ping.Option("max_attempts"), ping.Option("priority")
	if attempts.Value != int64(3) || attempts.At.Line != 7 || priority.Value != int64(2) || ping.Option("max_work_duration").IsSet() {
		t.Errorf("the job with defaults is %+v", ping)
	}
	var types []string
	for _, f := range email.Payload {
		types = append(types, f.Type.String())
	}
	want := []string{"[address]", "[string?]?", "{string: [net/netip.Addr]}", "{string: time}?", "status"}
	if d := cmp.Diff(want, types); d != "" {
		t.Errorf("types (-want +have):\n%s", d)
	}
}

func TestEveryMistakeOfAFileIsFoundInOneRun(t *testing.T) {
	t.Parallel()
	have := places(`version: 1.0
packag: example.com/shop/gen/jobs
package: [a]
queues:
  q: {}
  q: {}
  "": {}
defaults: {queue: r, max_attempts: 1e3, payload: {}}
types:
  t: {fields: {a: u}, enum: [x]}
  u: {enum: x}
  v: {enum: []}
  w.x: {fields: {a: v?}}
  y: {}
jobs:
  a: {queues: q}
  b: nothing
  c:
    queue: [q]
    payload:
      a: strnig
      b: [string, string]
      c: {string: int, int: string}
      d: string??
      e:
      f: 1
      true: string
      é: string
    priority: 10
    max_work_duration: 1 hour
  d: {queue: q, payload: {a: example.com/x, b: "*string", c: "map[string]int", d: a b, e: .T, f: &a x, g: *a}}
  e: {queue: q, payload: {}, max_attempts: 0x10, max_work_duration: 1ns}
`)
	want := []string{
		"1:10 wrong-kind", "2:1 unknown-key", "3:10 wrong-kind", "6:3 duplicate-key", "7:3 invalid-name", "8:19 unknown-queue", "8:36 invalid-option", "8:41 unknown-key",
		"10:3 struct-or-enum", "11:13 wrong-kind", "12:13 invalid-enum", "13:3 invalid-name", "14:3 struct-or-enum",
		"16:7 unknown-key", "17:6 wrong-kind", "19:12 wrong-kind", "21:10 unknown-type", "22:10 invalid-type", "23:10 invalid-type", "24:10 invalid-type", "25:9 invalid-type", "26:10 wrong-kind",
		"27:7 wrong-kind", "28:7 invalid-name", "29:15 invalid-option", "30:24 invalid-option",
		"31:30 invalid-type", "31:48 invalid-type", "31:62 invalid-type", "31:83 invalid-type", "31:91 invalid-type", "31:98 unsupported-yaml", "31:107 unsupported-yaml",
		"32:44 invalid-option", "32:69 invalid-option",
	}
	if d := cmp.Diff(want, have); d != "" {
		t.Errorf("mistakes (-want +have):\n%s", d)
	}
}

func TestAJobMayHaveNoPayload(t *testing.T) {
	t.Parallel()
	for _, job := range []string{"a: {queue: q}", "a: {queue: q, payload: }", "a: {queue: q, payload: {}}", "a:"} {
		file, mistakes := schema.Parse("jobs.yaml", []byte(head+"defaults: {queue: q}\njobs:\n  "+job+"\n"))
		if len(mistakes) > 0 || len(file.Jobs) != 1 || len(file.Jobs[0].Payload) > 0 || file.Jobs[0].Queue.Value != "q" {
			t.Errorf("%s: %v", job, mistakes)
		}
	}
}

func TestWhatIsNoJobsYAMLIsOneMistake(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"[]":                              "1:1 wrong-kind",
		"x":                               "1:1 wrong-kind",
		"a: [x":                           "1:4 invalid-yaml",
		"a:\n\tb: c":                      "2:1 invalid-yaml",
		"a: `x":                           "1:4 invalid-yaml",
		"a: \xff":                         "1:4 not-utf8",
		"a: \x00":                         "1:4 invisible-character",
		"a: \rb":                          "1:4 invisible-character",
		"é: \u2066x":                      "1:4 invisible-character",
		head + "jobs: {}\n...\n---\n":     "6:1 second-document",
		strings.Repeat("[", 100_000):      "1:65 too-large",
		strings.Repeat("{a: ", 100_000):   "1:257 too-large",
		strings.Repeat("- ", 100_000):     "1:129 too-large",
		head + "jobs:\n" + many(30_000):   "20005:9 too-large",
		"#" + strings.Repeat("x", 16<<20): "1:1 too-large",
	} {
		if d := cmp.Diff([]string{want}, places(src)); d != "" {
			t.Errorf("%.40q (-want +have):\n%s", src, d)
		}
	}
}

func many(jobs int) string {
	var b strings.Builder
	for i := range jobs {
		fmt.Fprintf(&b, "  j%d: {queue: q, payload: {}}\n", i)
	}
	return b.String()
}

func TestAnEmptyFileSaysWhatItNeeds(t *testing.T) {
	t.Parallel()
	for _, src := range []string{"", "\n\n", "# only a comment\n", "---\n", "null\n"} {
		if d := cmp.Diff([]string{"1:1 missing-key", "1:1 missing-key", "1:1 missing-key"}, places(src)); d != "" {
			t.Errorf("%q (-want +have):\n%s", src, d)
		}
	}
}

// What an alias bomb grows to is never built.
func TestAnAliasBombIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x]\n")
	for i := 1; i < 40; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [*a%d, *a%d]\n", i, i, i-1, i-1)
	}
	for _, p := range places(b.String()) {
		if !strings.HasSuffix(p, "unsupported-yaml") && !strings.HasSuffix(p, "unknown-key") && !strings.HasSuffix(p, "missing-key") {
			t.Errorf("%s", p)
		}
	}
}

func TestASuggestionIsMadeWhereOneIsNear(t *testing.T) {
	t.Parallel()
	for typ, want := range map[string]string{"stirng": `"string"`, "boolean": `"bool"`, "datetime": `"time"`, "adress": `"address"`, "qqqqqq": ""} {
		_, mistakes := schema.Parse("jobs.yaml", []byte(head+"types: {address: {fields: {}}}\njobs: {a: {queue: q, payload: {x: "+typ+"}}}\n"))
		if len(mistakes) != 1 {
			t.Fatalf("%s: %v", typ, mistakes)
		}
		_, hint, found := strings.Cut(mistakes[0].Message, "did you mean ")
		if found != (want != "") || strings.TrimSuffix(hint, "?") != want {
			t.Errorf("%s: %s; want a hint at %s", typ, mistakes[0].Message, want)
		}
	}
}

// Parse neither panics nor says "right" of what has a mistake's mark.
func FuzzParse(f *testing.F) {
	for _, src := range []string{
		head + "jobs:\n  a: {queue: q, payload: {a: [string]}}\n", "a: &b [*b]", "? [a]: b", "- - - a", "a: |\n  b\n c", "{", "a: !!map {}", "%TAG\n---\n", "<<: *a",
		"'a': \"\\x00\"", "jobs: {a: {payload: {\"b\": \"[{string:x}?]\"}}}",
	} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		file, mistakes := schema.Parse("jobs.yaml", []byte(src))
		if file == nil && len(mistakes) == 0 {
			t.Error("nothing was read, and no mistake found")
		}
		for i, m := range mistakes {
			if m.Line < 1 || m.Column < 1 || m.Message == "" || m.Rule == nil {
				t.Errorf("the mistake %+v has no place or text", m)
			}
			if i > 0 && mistakes[i-1].Compare(m.Position) > 0 {
				t.Errorf("%s comes after %s", m.Position, mistakes[i-1].Position)
			}
		}
	})
}
