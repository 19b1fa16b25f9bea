package jsonschema_test

import (
	"bytes"
	"testing"

	validator "github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/jobgen/jobgen/internal/jsonschema"
	"github.com/jobgen/jobgen/internal/schema"
	"github.com/jobgen/jobgen/internal/test/corpus"
)

// payloadOf returns the schema of the first job of a file with these types and
// fields.
func payloadOf(t testing.TB, types, fields string) *validator.Schema {
	t.Helper()
	src := "version: 1\npackage: a.b/c\nqueues: {q: {}}\ntypes: {" + types + "}\njobs: {a: {queue: q, payload: {" + fields + "}}}\n"
	file, mistakes := schema.Parse("jobs.yaml", []byte(src))
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	return compile(t, jsonschema.Payload(file.Jobs[0]))
}

func TestAPayloadIsHeldToItsTypes(t *testing.T) {
	t.Parallel()
	const declared = "e: {enum: [a, b.c]}, s: {fields: {next: s?, e: e}}"
	for field, values := range map[string]struct{ right, wrong []string }{
		"string":           {[]string{`""`, `"x"`}, []string{`1`, `null`}},
		"string?":          {[]string{`"x"`, `null`}, []string{`1`}},
		"bool":             {[]string{`true`}, []string{`"true"`, `0`}},
		"int":              {[]string{`-9223372036854775808`, `9223372036854775807`}, []string{`9223372036854775808`, `1.5`, `"1"`}},
		"int32":            {[]string{`2147483647`, `-2147483648`}, []string{`2147483648`, `-2147483649`}},
		"uint32":           {[]string{`0`, `4294967295`}, []string{`-1`, `4294967296`}},
		"float64":          {[]string{`1.5e300`, `-0`}, []string{`"NaN"`}},
		"bytes":            {[]string{`""`, `"AA=="`, `"AAAA"`, `null`}, []string{`"A"`, `"AA-_"`, `[0]`}},
		"time":             {[]string{`"2026-01-02T03:04:05.000000001+02:00"`, `"0001-01-01T00:00:00Z"`}, []string{`"2026-01-02"`, `1`, `"2026-13-02T03:04:05Z"`}},
		"duration":         {[]string{`-1`}, []string{`"1s"`, `1.5`}},
		"date":             {[]string{`"2026-02-28"`}, []string{`"2026-02-30"`, `"2026-2-3"`}},
		"uuid":             {[]string{`"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"`}, []string{`"f81d4fae7dec11d0a76500a0c91e6bf6"`}},
		"snowflake":        {[]string{`"1"`, `"-1"`}, []string{`1`, `""`, `"x"`}},
		"decimal":          {[]string{`"0"`, `"-12.50"`}, []string{`12.5`, `"01"`, `".5"`, `"1e3"`}},
		"json":             {[]string{`null`, `{"a": [1]}`, `"x"`}, nil},
		"[int]":            {[]string{`[]`, `[1, 2]`, `null`}, []string{`[null]`, `{}`}},
		"[int?]":           {[]string{`[null, 1]`}, []string{`["1"]`}},
		"{string: e}":      {[]string{`{}`, `{"x": "b.c"}`, `null`}, []string{`{"x": "d"}`, `[]`}},
		"e?":               {[]string{`"a"`, `null`}, []string{`"A"`}},
		"s":                {[]string{`{"e": "a"}`, `{"e": "a", "next": {"e": "b.c", "next": null}}`}, []string{`{}`, `{"e": "a", "x": 1}`, `{"e": "a", "next": {}}`, `null`}},
		"net/netip.Addr":   {[]string{`"::1"`, `1`}, nil},
		"'{string: [s]}?'": {[]string{`{"x": [{"e": "a"}]}`, `null`}, []string{`{"x": [{}]}`}},
	} {
		s := payloadOf(t, declared, "f: "+field)
		for _, value := range values.right {
			if err := s.Validate(decode(t, `{"f": `+value+`}`)); err != nil {
				t.Errorf("%s: %s is refused: %v", field, value, err)
			}
		}
		for _, value := range values.wrong {
			if s.Validate(decode(t, `{"f": `+value+`}`)) == nil {
				t.Errorf("%s: %s is taken", field, value)
			}
		}
	}
}

func TestAPayloadHasItsFieldsAndNoOthers(t *testing.T) {
	t.Parallel()
	s := payloadOf(t, "", "a: int, b: int?")
	for value, right := range map[string]bool{`{"a": 1}`: true, `{"a": 1, "b": 2}`: true, `{}`: false, `{"b": 2}`: false, `{"a": 1, "c": 3}`: false, `[]`: false} {
		if err := s.Validate(decode(t, value)); (err == nil) != right {
			t.Errorf("%s: %v", value, err)
		}
	}
}

func TestEachPayloadOfTheCorpusHasASchema(t *testing.T) {
	t.Parallel()
	count := 0
	for _, f := range corpus.Files(t) {
		file, mistakes := schema.Parse("jobs.yaml", []byte(f.Src))
		if len(mistakes) > 0 {
			continue
		}
		for _, job := range file.Jobs {
			compile(t, jsonschema.Payload(job))
			count++
		}
	}
	if count < 30 {
		t.Errorf("only %d jobs were looked at", count)
	}
}

func decode(t testing.TB, text string) any {
	t.Helper()
	v, err := validator.UnmarshalJSON(bytes.NewReader([]byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAFieldIsHeldToWhatIsStored(t *testing.T) {
	t.Parallel()
	s := payloadOf(t, "", "a: {type: int, renamed_from: b}, c: {type: string, default: x}, d: {type: int?, deprecated: old}")
	for value, right := range map[string]bool{
		`{"b": 1}`: true, `{"b": 1, "c": "y", "d": 2}`: true, `{"a": 1}`: false, `{"b": 1, "c": null}`: false, `{"b": 1, "c": 3}`: false,
	} {
		if err := s.Validate(decode(t, value)); (err == nil) != right {
			t.Errorf("%s: %v", value, err)
		}
	}
}
