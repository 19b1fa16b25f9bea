package lock_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jobgen/jobgen/internal/lock"
	"github.com/jobgen/jobgen/internal/schema"
)

const head = "version: 1\npackage: example.com/shop/gen/jobs\nqueues: {q: {}}\n"

// parse reads a jobs.yaml without mistakes of which the head is left out.
func parse(t testing.TB, src string) *schema.File {
	t.Helper()
	file, mistakes := schema.Parse("jobs.yaml", []byte(head+src))
	if len(mistakes) > 0 {
		t.Fatalf("%v\n%s", mistakes, head+src)
	}
	return file
}

// email is a file with one job.
func email(fields string) string { return "jobs: {email: {queue: q, payload: {" + fields + "}}}\n" }

func emailAt(version int, fields string) string {
	return fmt.Sprintf("jobs: {email: {queue: q, version: %d, payload: {%s}}}\n", version, fields)
}

// reread returns the lock as it comes back from its file.
func reread(t testing.TB, l *schema.Lock) *schema.Lock {
	t.Helper()
	data := lock.Format(l)
	again, mistakes := lock.Parse("jobs.lock", data)
	if len(mistakes) > 0 {
		t.Fatalf("%v\n%s", mistakes, data)
	}
	return again
}

// advance takes files one after the other, each through the lock's file, and
// says what came of the last: its version and how it was reached.
func advance(t testing.TB, files ...string) (*schema.Lock, string) {
	t.Helper()
	var last *schema.Lock
	outcome := ""
	for i, src := range files {
		r := lock.Advance(last, parse(t, src))
		outcome = ""
		switch {
		case len(r.Refused) > 0:
			outcome = "refused " + r.Refused[0].Rule.Name
		case len(r.Raised) > 0:
			outcome = fmt.Sprintf("raised to %d", r.Raised[0].To)
		case len(r.Lock.Jobs) > 0:
			outcome = fmt.Sprintf("at %d", r.Lock.Jobs[0].Newest().Version)
		}
		if len(r.Refused) > 0 && i < len(files)-1 {
			t.Fatalf("file %d was refused: %+v", i, r.Refused)
		}
		if len(r.Refused) == 0 {
			last = reread(t, r.Lock)
			if d := cmp.Diff(lock.Format(r.Lock), lock.Format(last)); d != "" {
				t.Fatalf("the lock comes back otherwise:\n%s", d)
			}
		}
	}
	return last, outcome
}

func TestEachChangeOfAPayloadIsOfOneClass(t *testing.T) {
	t.Parallel()
	const size = "types: {size: {enum: [%s]}}\n"
	for _, c := range []struct{ name, old, new, want string }{
		{"nothing", email("a: string"), email("a: string"), "at 1"},
		{"the order", email("a: string, b: int"), email("b: int, a: string"), "at 1"},
		{"an option", email("a: string"), "jobs: {email: {queue: q, max_attempts: 3, payload: {a: string}}}\n", "at 1"},
		{"a new optional field", email("a: string"), email("a: string, b: int?"), "at 1"},
		{"a new field with a default", email("a: string"), email("a: string, b: {type: int, default: 3}"), "at 1"},
		{"a renamed field", email("a: string"), email("b: {type: string, renamed_from: a}"), "at 1"},
		{"a removed optional field", email("a: string, b: int?"), email("a: string"), "at 1"},
		{"a removed field with a default", email("a: string, b: {type: int, default: 3}"), email("a: string"), "at 1"},
		{"a default for a required field", email("a: string"), email("a: {type: string, default: x}"), "at 1"},
		{"a default for an optional field", email("a: string?"), email("a: {type: string, default: x}"), "at 1"},
		{"another default", email("a: {type: int, default: 1}"), email("a: {type: int, default: 2}"), "at 1"},
		{"int for int64", email("a: int64"), email("a: int"), "at 1"},
		{"a type of another name", "types: {t: {fields: {x: int}}}\n" + email("a: t"), "types: {u: {fields: {x: int}}}\n" + email("a: u"), "at 1"},

		{"a wider number", email("a: int32"), email("a: int64"), "raised to 2"},
		{"a wider number in a list", email("a: [int32]"), email("a: [int64]"), "raised to 2"},
		{"a wider number in a struct", "types: {t: {fields: {x: uint32}}}\n" + email("a: {string: t}"), "types: {t: {fields: {x: float64}}}\n" + email("a: {string: t}"), "raised to 2"},
		{"text for a date", email("a: date"), email("a: string"), "raised to 2"},
		{"json for a struct", "types: {t: {fields: {x: int}}}\n" + email("a: t"), email("a: json"), "raised to 2"},
		{"a new enum value", fmt.Sprintf(size, "s") + email("a: size"), fmt.Sprintf(size, "s, m") + email("a: size"), "raised to 2"},
		{"text for an enum", fmt.Sprintf(size, "s") + email("a: size"), email("a: string"), "raised to 2"},
		{"a removed required field", email("a: string, b: int"), email("a: string"), "raised to 2"},
		{"a required field made optional", email("a: string"), email("a: string?"), "raised to 2"},
		{"a field with a default made optional", email("a: {type: string, default: x}"), email("a: string?"), "raised to 2"},
		{"elements made optional", email("a: [string]"), email(`a: ["string?"]`), "raised to 2"},

		{"a new required field", email("a: string"), email("a: string, b: int"), "refused field-required-added"},
		{"a new required field in a struct", "types: {t: {fields: {x: int}}}\n" + email("a: t?"), "types: {t: {fields: {x: int, y: int}}}\n" + email("a: t?"), "refused field-required-added"},
		{"a narrower number", email("a: int64"), email("a: int32"), "refused field-type-changed"},
		{"another type", email("a: string"), email("a: int"), "refused field-type-changed"},
		{"a duration for a number", email("a: int64"), email("a: duration"), "refused field-type-changed"},
		{"text for bytes", email("a: bytes"), email("a: string"), "refused field-type-changed"},
		{"a list for one", email("a: string"), email("a: [string]"), "refused field-type-changed"},
		{"elements made required", email(`a: ["string?"]`), email("a: [string]"), "refused field-type-changed"},
		{"an optional field made required", email("a: string?"), email("a: string"), "refused field-made-required"},
		{"a default taken away", email("a: {type: string, default: x}"), email("a: string"), "refused field-made-required"},
		{"a removed enum value", fmt.Sprintf(size, "s, m") + email("a: size"), fmt.Sprintf(size, "s") + email("a: size"), "refused enum-value-removed"},
		{"an enum for text", email("a: string"), fmt.Sprintf(size, "s") + email("a: size"), "refused field-type-changed"},
		{"a name that is no rename", email("a: string"), email("b: string"), "refused field-required-added"},

		{"the next version", email("a: string"), emailAt(2, "a: int"), "at 2"},
		{"the next version without need", email("a: string"), emailAt(2, "a: string"), "at 2"},
		{"a version too many", email("a: string"), emailAt(3, "a: int"), "refused version-skipped"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, got := advance(t, c.old, c.new); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestVersionsOverTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		files []string
		want  string
	}{
		{"the first version of all is 1", []string{emailAt(1, "a: int")}, "at 1"},
		{"and no other", []string{emailAt(2, "a: int")}, "refused version-skipped"},
		{"one that was raised need not be said", []string{email("a: int32"), email("a: int64"), email("a: int64, b: int?")}, "at 2"},
		{"one that was said need not be raised by hand", []string{email("a: string"), emailAt(2, "a: int32"), emailAt(2, "a: int64")}, "raised to 3"},
		{"and then stays as it is said", []string{email("a: string"), emailAt(2, "a: int32"), emailAt(2, "a: int64"), emailAt(2, "a: int64")}, "at 3"},
		{"after which the next is one more", []string{email("a: string"), emailAt(2, "a: int32"), emailAt(2, "a: int64"), emailAt(3, "a: bool")}, "refused field-type-changed"},
		{"namely this", []string{email("a: string"), emailAt(2, "a: int32"), emailAt(2, "a: int64"), emailAt(4, "a: bool")}, "at 4"},
		{"what was said is not taken back", []string{email("a: string"), emailAt(2, "a: int"), emailAt(1, "a: int")}, "refused version-lowered"},
		{"but need not be said for ever", []string{email("a: string"), emailAt(2, "a: int"), email("a: int")}, "at 2"},

		{"a key comes back with its type", []string{email("a: string, b: int?"), email("a: string"), email("a: string, b: int?")}, "at 1"},
		{"and not with another", []string{email("a: string, b: int?"), email("a: string"), email("a: string, b: string?")}, "refused key-reused"},
		{
			"nor in a struct",
			[]string{
				"types: {t: {fields: {b: int?}}}\n" + email("a: t"), "types: {t: {fields: {}}}\n" + email("a: t"),
				"types: {t: {fields: {b: string?}}}\n" + email("a: t"),
			},
			"refused key-reused",
		},
		{"nor after a version that was raised", []string{email("a: int32, b: int"), email("a: int64"), email("a: int64, b: string?")}, "refused field-type-changed"},
		{"but after one that was said", []string{email("a: int32, b: int"), email("a: int64"), emailAt(3, "a: int64, b: string?")}, "at 3"},

		{"a job comes back as it was", []string{email("a: int"), "jobs: {other: {queue: q, payload: {}}}\n", email("a: int")}, "at 1"},
		{"and not otherwise", []string{email("a: int"), "jobs: {other: {queue: q, payload: {}}}\n", email("a: string")}, "refused field-type-changed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, got := advance(t, c.files...); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestAFormerVersionIsReadByTheNextStructOrHasItsOwn(t *testing.T) {
	t.Parallel()
	last, _ := advance(t, email("a: int32"), email("a: int64"), emailAt(3, "a: string"), email("a: string?"), emailAt(5, "a: string?"))
	r := lock.Advance(last, parse(t, emailAt(5, "a: string?")))
	var got []string
	for _, v := range r.Lock.Job("email").Versions {
		got = append(got, fmt.Sprintf("v%d %v", v.Version, v.Read))
	}
	// 1 is read as 2, which is upgraded; 3 is read as 4, which is upgraded
	// because the file said so, though it need not be.
	if want := "v1 true, v2 false, v3 true, v4 false, v5 false"; strings.Join(got, ", ") != want {
		t.Errorf("%s, want %s", strings.Join(got, ", "), want)
	}
}

func TestARemovedJobStaysInTheLock(t *testing.T) {
	t.Parallel()
	first := lock.Advance(nil, parse(t, "jobs: {email: {queue: q, payload: {a: int}}, other: {queue: q, payload: {}}}\n"))
	second := lock.Advance(reread(t, first.Lock), parse(t, "jobs: {other: {queue: q, payload: {}}}\n"))
	if job := reread(t, second.Lock).Job("email"); job == nil || !job.Removed || len(second.Removed) != 1 {
		t.Errorf("the lock has %+v, and says of removed jobs %+v", job, second.Removed)
	}
	third := lock.Advance(reread(t, second.Lock), parse(t, "jobs: {other: {queue: q, payload: {}}}\n"))
	if len(third.Removed) != 0 || third.Lock.Job("email") == nil {
		t.Errorf("a third time it says %+v", third.Removed)
	}
}

func TestAdvanceLeavesTheFormerLockAlone(t *testing.T) {
	t.Parallel()
	first := lock.Advance(nil, parse(t, "types: {t: {fields: {b: int?}}}\n"+email("a: t"))).Lock
	first = reread(t, lock.Advance(first, parse(t, emailAt(2, "a: int64"))).Lock)
	before, versions := string(lock.Format(first)), slices.Clone(first.Job("email").Versions)
	for _, next := range []string{"types: {t: {fields: {}}}\n" + email("a: t"), emailAt(2, "a: int"), emailAt(3, "a: bool"), email("a: json")} {
		lock.Advance(first, parse(t, next))
		if after := string(lock.Format(first)); after != before {
			t.Fatalf("%s changed it:\n%s", next, cmp.Diff(before, after))
		}
		if !slices.Equal(versions, first.Job("email").Versions) {
			t.Fatalf("%s put other versions into it", next)
		}
	}
}

func TestTheLastVersionIsTheLast(t *testing.T) {
	t.Parallel()
	first, _ := advance(t, email("a: int32"))
	first.Job("email").Newest().Version = math.MaxInt16
	for src, refused := range map[string]int{
		email("a: int32, b: int?"):                   0,
		emailAt(math.MaxInt16, "a: int32, b: int?"):  0,
		email("a: int64"):                            1,
		emailAt(math.MaxInt16, "a: string, b: bool"): 1,
	} {
		r := lock.Advance(first, parse(t, src))
		if len(r.Refused) != refused || len(r.Lock.Job("email").Versions) != 1 {
			t.Errorf("%s: %+v", src, r)
		}
	}
}

func TestPruneDropsWhatNoJobWaitsWith(t *testing.T) {
	t.Parallel()
	const other = "jobs: {email: {queue: q, version: 4, payload: {a: string}}}\n"
	full, _ := advance(t, "jobs: {email: {queue: q, payload: {a: bool}}, gone: {queue: q, payload: {}}, lost: {queue: q, payload: {}}}\n",
		emailAt(2, "a: int"), emailAt(3, "a: bool"), other)
	type key struct {
		job     string
		version int16
	}
	for _, c := range []struct {
		name    string
		waiting map[key]int64
		want    string
	}{
		{"nothing waits", nil, "email v4"},
		{"the newest", map[key]int64{{"email", 4}: 1}, "email v4"},
		{"the first", map[key]int64{{"email", 1}: 1}, "email v1 v2 v3 v4"},
		{"one between", map[key]int64{{"email", 2}: 1}, "email v2 v3 v4"},
		{"a job that is gone", map[key]int64{{"gone", 1}: 1, {"email", 3}: 1}, "email v3 v4, gone v1"},
	} {
		before := string(lock.Format(full))
		pruned, all := lock.Prune(full, func(job string, version int16) (int64, int64) { return c.waiting[key{job, version}], 2 })
		var have []string
		for _, job := range pruned.Jobs {
			text := job.Type.Value
			for _, v := range job.Versions {
				text += fmt.Sprintf(" v%d", v.Version)
			}
			have = append(have, text)
		}
		if got := strings.Join(have, ", "); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		for _, p := range all {
			if w := c.waiting[key{p.Job, p.Version}]; p.Waiting != w || p.Dead != 2 || p.Dropped != (w == 0 && !p.Before) {
				t.Errorf("%s: %+v", c.name, p)
			}
		}
		if after := string(lock.Format(full)); after != before {
			t.Errorf("%s: the lock was changed", c.name)
		}
		r := lock.Advance(reread(t, pruned), parse(t, other))
		if len(r.Refused)+len(r.Raised) > 0 || r.Lock.Job("email").Newest().Version != 4 {
			t.Errorf("%s: generating after it: %+v", c.name, r)
		}
	}
}
