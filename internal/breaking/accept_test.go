package breaking_test

import (
	"strings"
	"testing"

	"github.com/jobgen/jobgen/internal/breaking"
	"github.com/jobgen/jobgen/internal/schema"
)

// accepting is an example with an acceptance.
func accepting(t *testing.T, src string, entries ...string) *schema.File {
	t.Helper()
	if len(entries) > 0 {
		src += "accept:\n  " + strings.Join(entries, "\n  ") + "\n"
	}
	return parse(t, src)
}

func TestWhatIsPrintedAcceptsItsChange(t *testing.T) {
	t.Parallel()
	for _, rule := range breaking.Rules() {
		if rule.Old == "" {
			continue
		}
		t.Run(rule.Name, func(t *testing.T) {
			t.Parallel()
			found := breaking.Pair{Old: parse(t, rule.Old), New: parse(t, rule.New)}.Findings()
			entry := strings.Replace(found[0].Acceptance(), "…", "it is meant", 1)
			file := accepting(t, rule.New, entry)
			if wrong := breaking.CheckAccepted(file); len(wrong) > 0 {
				t.Fatal(wrong)
			}
			open, accepted, spent, unused := breaking.Accept(found, parse(t, rule.Old), file)
			if len(open)+len(spent)+len(unused) > 0 || len(accepted) != 1 || accepted[0].Reason != "it is meant" {
				t.Errorf("%s: %v open, %v accepted, %v spent, %v unused", entry, open, accepted, spent, unused)
			}
		})
	}
}

func TestAnAcceptanceHoldsForOneChange(t *testing.T) {
	t.Parallel()
	const head = "version: 1\npackage: example.com/shop/gen/jobs\nqueues: {q: {}}\njobs: {email: {queue: q, payload: {size: %}}}\n"
	of := func(size string, entries ...string) *schema.File {
		return accepting(t, strings.Replace(head, "%", size, 1), entries...)
	}
	const narrower = "- {rule: field-type-changed, of: email.size, was: int64, is: int32, reason: no size is above 2000}"
	for _, c := range []struct {
		name         string
		old, new     *schema.File
		open, unused int
		spent        int
	}{
		{"the change that it names", of("int64"), of("int32", narrower), 0, 0, 0},
		{"another one of the field", of("int64"), of("bool", narrower), 1, 1, 0},
		{"one that was taken back", of("int64"), of("int64", narrower), 0, 1, 0},
		{"the same one again, after a merge", of("int64", narrower), of("int32", narrower), 1, 0, 1},
		{"none after a merge", of("int32", narrower), of("int32", narrower), 0, 0, 1},
		{"one of another field", of("int64"), of("int32", strings.Replace(narrower, "email.size", "email.length", 1)), 1, 1, 0},
		{"one against another rule", of("int64"), of("int32", strings.Replace(narrower, "type-changed", "removed", 1)), 1, 1, 0},
	} {
		open, _, spent, unused := breaking.Accept(breaking.Pair{Old: c.old, New: c.new}.Findings(), c.old, c.new)
		if len(open) != c.open || len(unused) != c.unused || len(spent) != c.spent {
			t.Errorf("%s: %d open, %d unused, %d spent; want %d, %d, %d", c.name, len(open), len(unused), len(spent), c.open, c.unused, c.spent)
		}
	}
}

func TestAnAcceptanceOfNoRuleIsAMistake(t *testing.T) {
	t.Parallel()
	file := accepting(t, "version: 1\npackage: a.b/c\nqueues: {q: {}}\njobs: {a: {queue: q}}\n", "- {rule: field-remove, of: a.b, reason: x}")
	wrong := breaking.CheckAccepted(file)
	if len(wrong) != 1 || wrong[0].Message != `jobgen breaking has no rule "field-remove"; did you mean "field-removed"?` || wrong[0].Position.String() != "6:12" {
		t.Errorf("%v", wrong)
	}
}

func TestARenameIsRecognised(t *testing.T) {
	t.Parallel()
	const rest = "version: 1\npackage: a.b/c\nqueues: {q: {}}\n"
	payload := func(fields string) string { return rest + "jobs: {j: {queue: q, payload: {" + fields + "}}}\n" }
	enum := func(values string) string {
		return rest + "types: {size: {enum: [" + values + "]}}\njobs: {j: {queue: q, payload: {size: size}}}\n"
	}
	for _, c := range []struct{ name, old, new, want string }{
		{"a required field", payload("address: string"), payload("email: string"), `if "email" is "address" under another name, write email: {type: string, renamed_from: address}`},
		{"an optional field", payload("address: string?"), payload("email: string?"), `write email: {type: string?, renamed_from: address}`},
		{"an optional list", payload(`cc: "[string]?"`), payload(`copies: "[string]?"`), `write copies: {type: "[string]?", renamed_from: cc}`},
		{"a second time", payload("mail: {type: string, renamed_from: address}"), payload("email: string"), `write email: {type: string, renamed_from: address}`},
		{"with a default", payload("size: {type: int, default: 1}"), payload("length: {type: int, default: 1}"), `write length: {type: int, default: 1, renamed_from: size}`},
		{"one of each type", payload("a: string, b: int"), payload("c: string, d: int"), `write c: {type: string, renamed_from: a}`},
		{"two of a type", payload("a: string, b: string"), payload("c: string, d: string"), ""},
		{"another type", payload("a: string"), payload("b: int"), ""},
		{
			"a field of a struct", rest + "types: {t: {fields: {a: string}}}\njobs: {j: {queue: q, payload: {t: t}}}\n", rest + "types: {t: {fields: {b: string}}}\njobs: {j: {queue: q, payload: {t: t}}}\n",
			`write b: {type: string, renamed_from: a}`,
		},
		{"a value of an enum", enum("s, m"), enum("s, medium"), `if "medium" means what "m" does, keep "m", which is what jobs hold`},
		{"two values", enum("s, m"), enum("small, medium"), ""},
		{
			"a job", rest + "jobs: {letter: {queue: q, payload: {to: string}}}\n", rest + "jobs: {post: {queue: q, payload: {to: string}}}\n",
			`if "post" is "letter" under another name, keep "letter", which is what jobs are stored under`,
		},
		{"a job with another payload", rest + "jobs: {letter: {queue: q, payload: {to: string}}}\n", rest + "jobs: {post: {queue: q, payload: {to: int}}}\n", ""},
	} {
		var all []string
		hints := 0
		for _, f := range (breaking.Pair{Old: parse(t, c.old), New: parse(t, c.new)}).Findings() {
			all = append(all, f.Do)
			if f.Do != f.Rule.Do {
				hints++
			}
		}
		if said := strings.Join(all, "\n"); (hints > 0) != (c.want != "") || !strings.Contains(said, c.want) {
			t.Errorf("%s: %s\nwant %q", c.name, said, c.want)
		}
	}
}
