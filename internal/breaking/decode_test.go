package breaking_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/jobgen/jobgen/internal/breaking"
	"github.com/jobgen/jobgen/internal/lock"
)

const decodable = "version: 1\npackage: example.com/shop/gen/jobs\nqueues: {q: {}}\n" + `types:
  address: {fields: {street: string, next: address?}}
  size: {enum: [s, m]}
jobs:
  a:
    queue: q
    payload: {%s}
`

func TestPayloadsAreReadAsTheirFields(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ field, json, want string }{
		{"x: string", `{"x":"a"}`, ""},
		{"x: string", `{"x":1}`, "x does not read as string: it is a number"},
		{"x: string", `{}`, "x is missing"},
		{"x: string", `{"x":null}`, "x is null"},
		{"x: string", `[]`, "the payload is not a JSON object"},
		{"x: string", `null`, "the payload is not a JSON object"},
		{"x: string?", `{}`, ""},
		{"x: string?", `{"x":null}`, ""},
		{"x: {type: string, default: a}", `{}`, ""},
		{"x: {type: string, renamed_from: y}", `{"y":"a"}`, ""},
		{"x: {type: string, renamed_from: y}", `{"x":"a"}`, "y is missing"},
		{"x: int32", `{"x":2147483647}`, ""},
		{"x: int32", `{"x":2147483648}`, "x does not read as int32: the number does not fit"},
		{"x: int", `{"x":1.5}`, "x does not read as int: the number does not fit an integer"},
		{"x: uint32", `{"x":-1}`, "x does not read as uint32"},
		{"x: float64", `{"x":1e400}`, "x does not read as float64"},
		{"x: bool", `{"x":"true"}`, "x does not read as bool: it is a string"},
		{"x: bytes", `{"x":"?"}`, "x does not read as bytes"},
		{"x: bytes", `{"x":null}`, ""},
		{"x: time", `{"x":"2030-01-02T03:04:05Z"}`, ""},
		{"x: time", `{"x":"2030-01-02"}`, "x does not read as time"},
		{"x: duration", `{"x":5}`, ""},
		{"x: duration", `{"x":"5s"}`, "x does not read as duration: it is a string"},
		{"x: date", `{"x":"2030-02-30"}`, "x does not read as date"},
		{"x: uuid", `{"x":"00000000-0000-0000-0000-000000000000"}`, ""},
		{"x: uuid", `{"x":"0"}`, "x does not read as uuid"},
		{"x: snowflake", `{"x":"12"}`, ""},
		{"x: snowflake", `{"x":12}`, "x does not read as snowflake"},
		{"x: decimal", `{"x":"1.50"}`, ""},
		{"x: decimal", `{"x":1.5}`, "x does not read as decimal"},
		{"x: json", `{"x":{"y":[1]}}`, ""},
		{"x: [int]", `{"x":[1,2]}`, ""},
		{"x: [int]", `{"x":null}`, ""},
		{"x: [int]", `{"x":{}}`, "x is not a list"},
		{"x: [int]", `{"x":[1,"2"]}`, "x[1] does not read as int: it is a string"},
		{"x: [int]", `{"x":[1,null]}`, "x[1] is null"},
		{`x: ["int?"]`, `{"x":[1,null]}`, ""},
		{"x: {string: bool}", `{"x":{"a b":1}}`, `x["a b"] does not read as bool: it is a number`},
		{"x: {string: bool}", `{"x":[]}`, "x is not a JSON object"},
		{"x: size", `{"x":"m"}`, ""},
		{"x: size", `{"x":"l"}`, `x is "l", which is not a value of size`},
		{"x: size", `{"x":1}`, "x is not text"},
		{"x: address", `{"x":{"street":"a","next":{"street":"b"}}}`, ""},
		{"x: address", `{"x":{"street":"a","next":{}}}`, "x.next.street is missing"},
		{"x: [address]", `{"x":[{"street":"a"},1]}`, "x[1] is not a JSON object"},
		{"x: net/netip.Addr", `{"x":{"any":"thing"}}`, ""},
		{"x: string", `{"x":"a","y":1}`, ""},
		{"", `{}`, ""},
	} {
		fields := parse(t, strings.Replace(decodable, "%s", c.field, 1)).Jobs[0].Payload
		err := breaking.Decode(fields, []byte(c.json))
		if got := ""; err != nil {
			if got = err.Error(); c.want == "" || !strings.HasPrefix(got, c.want) {
				t.Errorf("%s of %s: %q, want %q", c.field, c.json, got, c.want)
			}
		} else if c.want != "" {
			t.Errorf("%s of %s: read, want %q", c.field, c.json, c.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	fields := parse(f, strings.Replace(decodable, "%s", `x: "[address?]?", y: {string: size}, z: {type: int32, default: 3}`, 1)).Jobs[0].Payload
	f.Add([]byte(`{"x":[null,{"street":"a"}],"y":{"a":"s"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := breaking.Decode(fields, data); err == nil && !json.Valid(data) {
			t.Errorf("%q was read", data)
		}
	})
}

// What waits is counted by whether the program understands and reads it.
func TestStoredJobsAreCountedByWhatBecomesOfThem(t *testing.T) {
	t.Parallel()
	const then = "version: 1\npackage: example.com/shop/gen/jobs\nqueues: {q: {}, r: {}}\njobs:\n  gone: {queue: q, payload: {}}\n  a: {queue: r, payload: {x: int}}\n"
	const now = "version: 1\npackage: example.com/shop/gen/jobs\nqueues: {q: {}}\njobs:\n  a: {queue: q, payload: {x: string}}\n"
	old, file := parse(t, then), parse(t, now)
	file.Lock = lock.Advance(lock.Advance(nil, old).Lock, file).Lock
	stored := breaking.NewStored(file, map[string]bool{"pruned": true})
	stored.Add("gone", 1, "q", "1", []byte(`{}`))
	stored.Add("a", 1, "r", "2", []byte(`{"x":1}`))
	stored.Add("a", 1, "q", "3", []byte(`{"x":2}`))
	stored.Add("a", 1, "q", "4", []byte(`{"x":"b"}`))
	stored.Add("a", 7, "q", "5", []byte(`{"x":"b"}`))
	stored.Add("pruned", 1, "q", "6", []byte(`{}`))
	stored.Add("stranger", 1, "q", "7", []byte(`{}`)) // of another program
	stored.Add("stranger", 2, "s", "8", []byte(`{`))
	findings := breaking.Pair{Old: old, New: file}.Findings()
	stored.Count(findings, old)
	want := map[*breaking.Rule]int64{breaking.QueueRemoved: 1, breaking.JobRemoved: 1, breaking.QueueChanged: 1, breaking.FieldTypeChanged: 2}
	for _, f := range findings {
		if f.Waiting == nil || *f.Waiting != want[f.Rule] {
			t.Errorf("%s: %v jobs, want %d", f.Message, f.Waiting, want[f.Rule])
		}
		delete(want, f.Rule)
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
	var all []string
	for _, f := range stored.Findings(nil) {
		if f.Waiting == nil || f.Rule != breaking.RowsNotReadable && f.Rule != breaking.RowsNotUnderstood {
			t.Errorf("%+v", f)
		}
		all = append(all, f.Message)
	}
	wants := []string{
		`job "a": 1 of 2 payloads of version 1 in the queue "q" do not read: job 3: x does not read as string: it is a number where a string is needed`,
		`job "a": jobs of version 1 wait in the queue "r": no job is on the queue "r"`,
		`job "a": 1 of 1 payloads of version 1 in the queue "r" do not read: job 2: x does not read as string: it is a number where a string is needed`,
		`job "a": jobs of version 7 wait in the queue "q": version 7 is not in the lock`,
		`job "gone": jobs of version 1 wait in the queue "q": no job of that name is declared`,
		`job "pruned": jobs of version 1 wait in the queue "q": no job of that name is declared`,
	}
	if strings.Join(all, "\n") != strings.Join(wants, "\n") {
		t.Errorf("%s\nwant\n%s", strings.Join(all, "\n"), strings.Join(wants, "\n"))
	}
	if others := stored.Others(); len(others) != 1 || others[0] != (breaking.Other{Type: "stranger", Waiting: 2}) {
		t.Errorf("of other programs: %v", others)
	}
	if again := stored.Findings(findings); len(again) != 3 {
		t.Errorf("what is known is said again: %v", lines(again))
	}
}
