package format_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/format"
	"github.com/jobgen/jobgen/internal/schema"
	"github.com/jobgen/jobgen/internal/test/corpus"
)

func TestFormatHasOneForm(t *testing.T) {
	t.Parallel()
	have, mistakes, err := format.Format([]byte("\ufeff" + strings.ReplaceAll(`---
# The shop.
#   Its jobs.
package:   example.com/shop/gen/jobs   # where
version: 1


jobs: # all
      # ---- mail ----

      # Sends.
      #
      # One.
      email:
            payload: {to:   [ string ],  by: {string: time}}
            # at most
            max_attempts: 3 # tries
            queue:   'q'


            # of all
            max_work_duration:
                30s
      ping: {payload: {}, queue: q}
      pong: {queue: q,
             payload: {
               a: "[string]?", # a list
               # The b.
               b: int
             }}
      # done: {}
queues: {q: , "r": {}} # two
types:
  e:
    enum:
    # First.
    - a
    - 'it''s'

    # not about it
     # nor this
    - "b
       c"
  n: {enum: [a, b]}
# the end
`, "\n", "\r\n")))
	if err != nil || len(mistakes) > 0 {
		t.Fatal(err, mistakes)
	}
	want := `version: 1
# The shop.
#   Its jobs.
package: example.com/shop/gen/jobs # where
queues: {q: null, "r": {}}         # two

types:
  e:
    enum:
      # First.
      - a
      - 'it''s'

      # not about it
      # nor this

      - "b c"

  n: {enum: [a, b]}

jobs: # all
  # ---- mail ----

  # Sends.
  #
  # One.
  email:
    queue: 'q'
    # at most
    max_attempts: 3 # tries

    # of all
    max_work_duration: 30s
    payload: {to: [string], by: {string: time}}

  ping: {queue: q, payload: {}}

  pong:
    queue: q
    payload:
      a: "[string]?" # a list
      # The b.
      b: int
  # done: {}
# the end
`
	if d := cmp.Diff(want, string(have)); d != "" {
		t.Errorf("(-want +have):\n%s", d)
	}
}

func TestTheKeysOfAFieldHaveAnOrder(t *testing.T) {
	t.Parallel()
	have, _, err := format.Format([]byte("jobs: {a: {payload: {b: {default: x, type: string}, c: {string: int}}, reserved: [d], version: 2}}\ntypes: {s: {fields: {e: {deprecated: f, renamed_from: g, type: int?}}, reserved: [h]}}\n"))
	want := "types: {s: {reserved: [h], fields: {e: {type: int?, renamed_from: g, deprecated: f}}}}\njobs: {a: {version: 2, reserved: [d], payload: {b: {type: string, default: x}, c: {string: int}}}}\n"
	if d := cmp.Diff(want, string(have)); d != "" || err != nil {
		t.Errorf("%v (-want +have):\n%s", err, d)
	}
}

func TestAnAcceptanceIsOneMappingOfAList(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"accept:\n- of: a.b\n  rule: field-removed\n  reason: x # y\n- {reason: x, rule: r, of: a}\n": "accept:\n  - rule: field-removed\n    of: a.b\n    reason: x # y\n  - {rule: r, of: a, reason: x}\n",
		"accept:\n# Above.\n- rule: r\n  # Of.\n  of: a\n":                                            "accept:\n  # Above.\n  - rule: r\n    # Of.\n    of: a\n",
		"accept:\n-\n  # Rule.\n  rule: r\n":                                                          "accept:\n  -\n    # Rule.\n    rule: r\n",
	} {
		have, mistakes, err := format.Format([]byte(src))
		if d := cmp.Diff(want, string(have)); d != "" || err != nil || len(mistakes) > 0 {
			t.Errorf("%v %v (-want +have):\n%s", mistakes, err, d)
		}
	}
}

func TestWhatIsNoYAMLIsNotFormatted(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{"a: [x": "invalid-yaml", "a: \xff": "not-utf8", "a: &x b": "unsupported-yaml", "a: b\n---\nc: d": "second-document"} {
		out, mistakes, err := format.Format([]byte(src))
		if out != nil || err != nil || len(mistakes) == 0 || mistakes[0].Rule.Name != want {
			t.Errorf("%q: %q, %v, %v; want %s", src, out, mistakes, err, want)
		}
	}
}

func TestNothingAndCommentsAloneAreFormatted(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{"": "", "\n\n": "", "# a\n\n\n#b  \n": "# a\n\n#b\n", "{}": "{}\n", "--- # a\n": "# a\n"} {
		out, mistakes, err := format.Format([]byte(src))
		if string(out) != want || err != nil || len(mistakes) > 0 {
			t.Errorf("%q: %q, %v, %v; want %q", src, out, mistakes, err, want)
		}
	}
}

var byContent = cmp.Options{
	cmpopts.IgnoreTypes(diagnostic.Position{}),
	cmp.Transformer("type", func(r *schema.Ref) string {
		if r == nil {
			return ""
		}
		return r.String()
	}),
}

// formats asks of src, when it can be read, that formatting it loses nothing,
// means the same and is done with.
func formats(t interface {
	Helper()
	Errorf(string, ...any)
}, name, src string,
) bool {
	t.Helper()
	once, mistakes, err := format.Format([]byte(src))
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, src)
	}
	if len(mistakes) > 0 || err != nil {
		return false
	}
	twice, mistakes, err := format.Format(once)
	if err != nil || len(mistakes) > 0 {
		t.Errorf("%s: the second time: %v %v\n%s", name, err, mistakes, once)
		return false
	}
	if d := cmp.Diff(string(once), string(twice)); d != "" {
		t.Errorf("%s: the second time differs (-once +twice):\n%s\nof:\n%s", name, d, src)
	}
	before, wrongBefore := schema.Parse("jobs.yaml", []byte(src))
	after, wrongAfter := schema.Parse("jobs.yaml", once)
	if len(wrongBefore) == 0 || len(wrongAfter) == 0 {
		if d := cmp.Diff(before, after, byContent); d != "" || len(wrongBefore) != len(wrongAfter) {
			t.Errorf("%s: it means something else (-before +after):\n%s\n%s\n%s", name, d, wrongAfter, once)
		}
	}
	if a, b := rulesOf(wrongBefore), rulesOf(wrongAfter); !slices.Equal(a, b) {
		t.Errorf("%s: it has other mistakes: %q, not %q", name, b, a)
	}
	return true
}

func rulesOf(mistakes diagnostic.List) []string {
	var ids []string
	for _, m := range mistakes {
		ids = append(ids, m.Rule.Name)
	}
	slices.Sort(ids)
	return ids
}

func TestFormatKeepsWhatTheCorpusSays(t *testing.T) {
	t.Parallel()
	count := 0
	for _, f := range corpus.Files(t) {
		if formats(t, f.Name, f.Src) {
			count++
		}
	}
	if count < 40 {
		t.Errorf("only %d files could be formatted", count)
	}
}

// A disorder writes a file in another way that means the same, with comments
// wherever one can stand.
type disorder struct {
	r       *rapid.T
	remarks int
}

func (d *disorder) remark() string {
	d.remarks++
	return fmt.Sprintf("# c%d.", d.remarks)
}

func (d *disorder) maybe(label string) bool { return rapid.IntRange(0, 3).Draw(d.r, label) == 0 }

// write adds lines of comments, empty lines and comments at line ends to src.
func (d *disorder) write(src string) string {
	var b strings.Builder
	for line := range strings.Lines(src) {
		for d.maybe("above") {
			switch rapid.IntRange(0, 2).Draw(d.r, "what") {
			case 0:
				b.WriteString("\n")
			case 1: // in the column of the line below
				b.WriteString(line[:len(line)-len(strings.TrimLeft(line, " "))] + d.remark() + "\n")
			default:
				b.WriteString(strings.Repeat(" ", rapid.IntRange(0, 12).Draw(d.r, "column")) + d.remark() + "\n")
			}
		}
		if d.maybe("beside") {
			line = strings.TrimSuffix(line, "\n") + strings.Repeat(" ", rapid.IntRange(1, 3).Draw(d.r, "space")) + d.remark() + "\n"
		}
		b.WriteString(line)
	}
	for d.maybe("below") {
		b.WriteString(strings.Repeat(" ", rapid.IntRange(0, 8).Draw(d.r, "column")) + d.remark() + "\n")
	}
	return b.String()
}

func TestFormatKeepsCommentsWhereverTheyStand(t *testing.T) {
	t.Parallel()
	plain := []string{
		"version: 1\npackage: example.com/x/jobs\nqueues:\n  q: {}\njobs:\n  a: {queue: q, payload: {to: string}}\n  b:\n    queue: q\n    payload:\n      to: [string]\n      by:\n        string: time\n",
		"jobs:\n  a:\n    payload:\n      x: {string: [int]}\n      y:\n        - string\n    queue: q\n    max_attempts: 3\nqueues:\n  q:\n  r:\ntypes:\n  e:\n    enum:\n    - a\n    -\n      b\n    - c\n  s:\n    fields:\n      f: e?\npackage: example.com/x/jobs\nversion: 1\n",
		"{version: 1,\npackage: example.com/x/jobs,\nqueues: {\nq: {}, r: {}\n},\njobs: {\na: {\nqueue: q, payload: {\nto: [\nstring\n],\nat: time }\n}\n}\n}\n",
		"version:\n  1\npackage:\n    example.com/x/jobs\nqueues:\n    q: {}\ntypes:\n    e: {enum: [\n    a, b,\n    c\n    ]}\njobs:\n    a:\n        queue:\n            q\n        payload: {\n            a: string, b: e\n        }\n",
	}
	rapid.Check(t, func(r *rapid.T) {
		d := &disorder{r: r}
		src := d.write(rapid.SampledFrom(plain).Draw(r, "file"))
		if !formats(r, "file", src) {
			return
		}
		out, _, _ := format.Format([]byte(src))
		for i := range d.remarks {
			if want := fmt.Sprintf("# c%d.", i+1); strings.Count(string(out), want) != 1 {
				r.Errorf("the comment %q is there %d times:\n%s", want, strings.Count(string(out), want), out)
			}
		}
	})
}

// A file that Format has no form for is an error, never another file.
func FuzzFormat(f *testing.F) {
	for _, file := range corpus.Files(f) {
		f.Add(file.Src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		once, mistakes, err := format.Format([]byte(src))
		if err != nil || len(mistakes) > 0 {
			return
		}
		before, _ := schema.Parse("jobs.yaml", []byte(src))
		after, _ := schema.Parse("jobs.yaml", once)
		if d := cmp.Diff(before, after, byContent); d != "" {
			t.Errorf("it means something else (-before +after):\n%s", d)
		}
	})
}
