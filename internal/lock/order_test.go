package lock_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jobgen/jobgen/internal/lock"
	"github.com/jobgen/jobgen/internal/schema"
)

// order returns the names of fields, then those of the values of the first enum.
func order(file *schema.File) string {
	var names []string
	for _, f := range file.Jobs[0].Payload {
		names = append(names, f.Key.Value)
	}
	for _, t := range file.Types {
		for _, f := range t.Fields {
			names = append(names, t.Name.Value+"."+f.Key.Value)
		}
		for _, v := range t.Enum {
			names = append(names, t.Name.Value+"."+v.Value.Value)
		}
	}
	return strings.Join(names, " ")
}

func TestFieldsKeepTheOrderInWhichTheyFirstAppeared(t *testing.T) {
	t.Parallel()
	const types = "types: {t: {fields: {%s}}, e: {enum: [%s]}}\n"
	in := func(fields, values, payload string) string {
		return strings.Replace(strings.Replace(types, "%s", fields, 1), "%s", values, 1) + "jobs: {a: {queue: q, payload: {" + payload + "}}}\n"
	}
	for _, c := range []struct {
		name  string
		files []string
		want  string
	}{
		{"lines that are exchanged", []string{email("a: string, b: string, c: string"), email("c: string, a: string, b: string")}, "a b c"},
		{"a new field above", []string{email("a: string"), email("b: string?, a: string")}, "a b"},
		{"new fields among themselves", []string{email("b: string"), email("d: int?, b: string, c: int?"), email("c: int?, b: string, d: int?")}, "b d c"},
		{"a new version", []string{email("b: string"), emailAt(2, "a: string, b: string")}, "b a"},
		{"a version after that", []string{email("b: string"), emailAt(2, "a: string, b: string"), emailAt(3, "a: string, c: int, b: string")}, "b a c"},
		{"another name", []string{email("a: string, b: string"), email("b: string, z: {type: string, renamed_from: a}")}, "z b"},
		{"another presence", []string{email("a: string?, b: string"), emailAt(2, "b: string?, a: string")}, "a b"},
		{"a field that went and came back", []string{email("a: string?, b: string"), email("b: string"), email("a: string?, b: string")}, "b a"},
		{"a job that went and came back", []string{email("b: int, a: int"), "jobs: {other: {queue: q}}\n", email("a: int, b: int")}, "b a"},
		{
			"of structs and enums too",
			[]string{in("b: int, a: int", "s, l", "e: e, t: t"), in("a: int, c: int?, b: int", "l, s", "t: t, e: e")},
			"e t t.b t.a t.c e.s e.l",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			last, _ := advance(t, c.files[:len(c.files)-1]...)
			file := parse(t, c.files[len(c.files)-1])
			r := lock.Advance(last, file)
			if len(r.Refused) > 0 {
				t.Fatalf("refused: %+v", r.Refused)
			}
			if got := order(file); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			again := parse(t, c.files[len(c.files)-1])
			if d := cmp.Diff(string(lock.Format(r.Lock)), string(lock.Format(lock.Advance(reread(t, r.Lock), again).Lock))); d != "" || order(again) != c.want {
				t.Errorf("a second time: %s\n%s", order(again), d)
			}
		})
	}
}
