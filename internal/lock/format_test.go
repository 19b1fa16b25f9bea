package lock_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/jobgen/jobgen/internal/lock"
	"github.com/jobgen/jobgen/internal/schema"
)

const whole = `types:
  address: {fields: {street: string, next: address?, size: size}, reserved: [zip, city]}
  size: {enum: ["s", "m l", "true", ""]}
jobs:
  "null": {queue: "q", payload: {}}
  email:
    queue: q
    reserved: [bcc]
    payload:
      to: [address]
      wait: {type: duration, default: 1m30s}
      size: {type: size, default: "true"}
      no: {type: bool, default: true, renamed_from: "off"}
      tags: "[{string: [int?]}]?"
      from: net/netip.Addr?
`

func TestTheLockIsReadableAndStable(t *testing.T) {
	t.Parallel()
	l, _ := advance(t, whole)
	const want = `# What the jobs in a database may look like: of each job type its queue, and of
# each payload version the types and the fields, in the order in which they first
# appeared. Written by jobgen generate from jobs.yaml. Commit it, read it in
# reviews, and do not edit it.
format: 1
package: example.com/shop/gen/jobs
jobs:
  email:
    queue: q
    versions:
      v1:
        payload:
          to: "[address]"
          wait: {type: duration, default: "1m30s"}
          size: {type: size, default: "true"}
          "no": {type: bool, default: true, renamed_from: "off"}
          tags: "[{string: [int?]}]?"
          from: net/netip.Addr?
        reserved:
          - bcc
        types:
          address:
            fields:
              street: string
              next: address?
              size: size
            reserved:
              - city
              - zip
          size:
            enum:
              - "s"
              - "m l"
              - "true"
              - ""
  "null":
    queue: q
    versions:
      v1:
        payload: {}
`
	if d := cmp.Diff(want, string(lock.Format(l))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// Names and texts that YAML might take for something else.
func TestWhateverAFileSaysComesBackFromItsLock(t *testing.T) {
	t.Parallel()
	names := rapid.SampledFrom([]string{
		"a", "null", "true", "no", "Off", "y", "inf", "nan", "e1", "x-y", "x.y", "a_b", "type", "fields", "payload", "versions", "v1", "string", "removed", "default",
	})
	refs := rapid.SampledFrom([]string{
		"string", "int?", "[e]", "t?", "{string: [e?]}", `"[t]?"`, `"{string: int}?"`, "e", "json", "encoding/json.Number", "{type: e, default: %s}", "{type: string, default: %s, renamed_from: w}",
		"{type: float64, default: -1.5}", "{type: int, default: -7}", "{type: duration, default: 1h}",
	})
	rapid.Check(t, func(r *rapid.T) {
		quoted := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
		texts := rapid.StringMatching(`[ -~äß世\x{200d}😀]{0,8}`)
		values := rapid.SliceOfNDistinct(texts, 1, 4, rapid.ID).Draw(r, "values")
		fields := func() string {
			var all []string
			renamed := false
			for _, name := range rapid.SliceOfNDistinct(names, 0, 4, rapid.ID).Draw(r, "fields") {
				ref := refs.Draw(r, "ref")
				if strings.Contains(ref, "renamed_from") {
					if renamed {
						continue
					}
					renamed = true
				}
				if strings.Contains(ref, "%s") {
					ref = fmt.Sprintf(ref, quoted(values[0]))
				}
				all = append(all, quoted(name)+": "+ref)
			}
			return "{" + strings.Join(all, ", ") + "}"
		}
		src := "types:\n  t: {fields: " + fields() + "}\n  e:\n    enum:\n"
		for _, v := range values {
			src += "      - " + quoted(v) + "\n"
		}
		src += "jobs:\n"
		for _, name := range rapid.SliceOfNDistinct(names, 1, 3, rapid.ID).Draw(r, "jobs") {
			src += fmt.Sprintf("  %s: {queue: q, payload: %s}\n", quoted(name), fields())
		}
		file, mistakes := schema.Parse("jobs.yaml", []byte(head+src))
		if len(mistakes) > 0 {
			r.Skipf("%v", mistakes) // such as a struct that holds itself
		}
		first := lock.Advance(nil, file).Lock
		data := lock.Format(first)
		again, mistakes := lock.Parse("jobs.lock", data)
		if len(mistakes) > 0 {
			r.Fatalf("%v\n%s\n%s", mistakes, src, data)
		}
		if d := cmp.Diff(string(data), string(lock.Format(again))); d != "" {
			r.Fatalf("it comes back otherwise:\n%s", d)
		}
		next := lock.Advance(again, file)
		if d := cmp.Diff(string(data), string(lock.Format(next.Lock))); d != "" || len(next.Refused)+len(next.Raised) > 0 {
			r.Fatalf("the same file changes it: %+v\n%s\n%s", next, src, d)
		}
	})
}

func TestADamagedLockIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ src, want string }{
		"a newer format":   {"format: 2\njobs: {}\n", "1:9: format 2 is not supported"},
		"no format":        {"jobs: {}\n", "1:1: the lock has no format"},
		"nothing":          {"", "1:1: the lock has no format"},
		"a conflict":       {"format: 1\njobs:\n<<<<<<< HEAD\n  a: {}\n", "3:1: two branches changed the file"},
		"an unknown key":   {"format: 1\njobs:\n  a: {queue: q, version: {}}\n", `3:17: job "a" has no key "version"`},
		"no versions":      {"format: 1\njobs:\n  a: {queue: q}\n", `3:3: job "a" has no versions`},
		"no such version":  {"format: 1\njobs:\n  a: {queue: q, versions: {v0: {payload: {}}}}\n", `"v0" is not a version of job "a"`},
		"an odd version":   {"format: 1\njobs:\n  a: {queue: q, versions: {v01: {payload: {}}}}\n", `"v01" is not a version`},
		"a large version":  {"format: 1\njobs:\n  a: {queue: q, versions: {v40000: {payload: {}}}}\n", `"v40000" is not a version`},
		"not in order":     {"format: 1\njobs:\n  a: {queue: q, versions: {v2: {payload: {}}, v1: {payload: {}}}}\n", "not in order"},
		"an unknown type":  {"format: 1\njobs:\n  a: {queue: q, versions: {v1: {payload: {x: nowhere}}}}\n", `type "nowhere" is neither`},
		"no bool":          {"format: 1\njobs:\n  a: {queue: q, removed: maybe, versions: {v1: {payload: {}}}}\n", "removed must be true or false"},
		"a job of nothing": {"format: 1\njobs:\n  a:\n", `job "a" has no versions`},
		"a list":           {"- a\n", "the lock must be a mapping"},
		"no text":          {"format: 1\x00\n", "is invisible"},
		"an alias":         {"format: 1\njobs: &a {x: *a}\n", "is not supported"},
		"a twin":           {"format: 1\njobs:\n  a: {queue: q, versions: {v1: {payload: {x: int, y: {type: int, renamed_from: x}}}}}\n", "would both be stored"},
		"endless":          {"format: 1\njobs:\n  a: {queue: q, versions: {v1: {payload: {x: t}, types: {t: {fields: {x: t}}}}}}\n", "contains itself"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, mistakes := lock.Parse("jobs.lock", []byte(c.src))
			if l != nil || len(mistakes) == 0 {
				t.Fatalf("it was read: %+v", l)
			}
			var all []string
			for _, m := range mistakes {
				all = append(all, fmt.Sprintf("%s: %s", m.Position, m.Message))
			}
			if !strings.Contains(strings.Join(all, "\n"), c.want) {
				t.Errorf("%q, want %q", all, c.want)
			}
		})
	}
}

// FuzzLock finds no text that makes reading or advancing panic, and none that
// is read and cannot be written.
func FuzzLock(f *testing.F) {
	first := lock.Advance(nil, parse(f, whole)).Lock
	f.Add(string(lock.Format(first)))
	f.Add("format: 1\njobs:\n  a: {removed: true, queue: q, versions: {v1: {payload: {x: int}, removed: {y: t}, types: {t: {fields: {}, removed: {z: t}}}}}}\n")
	file := parse(f, whole)
	f.Fuzz(func(t *testing.T, src string) {
		l, _ := lock.Parse("jobs.lock", []byte(src))
		if l == nil {
			return
		}
		data := lock.Format(l)
		again, mistakes := lock.Parse("jobs.lock", data)
		if len(mistakes) > 0 {
			t.Fatalf("%v\n%s", mistakes, data)
		}
		if d := cmp.Diff(string(data), string(lock.Format(again))); d != "" {
			t.Fatal(d)
		}
		lock.Advance(l, file)
	})
}
