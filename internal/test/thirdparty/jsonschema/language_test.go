package jsonschema_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/mod/module"

	"github.com/jobgen/jobgen/internal/jsonschema"
	"github.com/jobgen/jobgen/internal/schema"
	"github.com/jobgen/jobgen/internal/test/corpus"
)

// compile asks that s is a schema as JSON Schema itself says, and returns it.
func compile(t testing.TB, s *jsonschema.Schema) *validator.Schema {
	t.Helper()
	text, err := s.Text()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := validator.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := validator.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("schema.json")
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return compiled
}

// asJSON returns the YAML src as a schema sees it.
func asJSON(src string) (any, error) {
	var v any
	if err := yaml.Unmarshal([]byte(src), &v); err != nil {
		return nil, err
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return validator.UnmarshalJSON(bytes.NewReader(text))
}

// beyond are the rules that no schema can hold a file to: how YAML is written,
// what names refer to, and what Go makes of them.
var beyond = []string{
	"not-utf8", "invisible-character", "unsupported-yaml", "second-document", "too-large", // of YAML
	"unknown-queue", "unknown-type", "recursive-type", // of names that refer to others
	"invalid-default", "reserved-key", "same-stored-key", // of fields among themselves
	"outside-module", "invalid-package-name", "same-go-name", "go-package-not-found", "go-type-not-found", "go-type-not-usable", "go-type-not-json", // of Go
}

func TestTheSchemaTakesWhatTheParserTakes(t *testing.T) {
	t.Parallel()
	language := compile(t, jsonschema.Language())
	right, wrong := 0, 0
	for _, f := range corpus.Files(t) {
		file, mistakes := schema.Parse("jobs.yaml", []byte(f.Src))
		doc, err := asJSON(f.Src)
		if err != nil {
			if len(mistakes) == 0 {
				t.Errorf("%s: %v", f.Name, err)
			}
			continue
		}
		err = language.Validate(doc)
		expressible := false
		for _, m := range mistakes {
			expressible = expressible || !slices.Contains(beyond, m.Rule.Name)
		}
		switch {
		case len(mistakes) == 0 && f.Rule == nil && module.CheckImportPath(file.Package.Value) == nil:
			right++
			if err != nil {
				t.Errorf("%s: the schema refuses what the parser reads: %v", f.Name, err)
			}
		case expressible:
			wrong++
			if err == nil {
				t.Errorf("%s: the schema takes what the parser refuses: %v", f.Name, mistakes)
			}
		}
	}
	if right < 21 || wrong < 15 {
		t.Errorf("only %d right and %d wrong files were compared", right, wrong)
	}
}

func TestTheSchemaHoldsToEachRuleThatItCan(t *testing.T) {
	t.Parallel()
	language := compile(t, jsonschema.Language())
	for _, f := range corpus.Files(t) {
		if f.Rule == nil {
			continue
		}
		doc, err := asJSON(f.Src)
		if err != nil {
			continue // invalid-yaml and others that no reader of YAML passes
		}
		if refused := language.Validate(doc) != nil; refused == slices.Contains(beyond, f.Rule.Name) {
			t.Errorf("%s: the schema refuses it: %v", f.Rule.Name, refused)
		}
	}
}

// The lists of what is right and wrong that the reference gives in words.
func TestTheSchemaAgreesWithTheParserInDetail(t *testing.T) {
	t.Parallel()
	language := compile(t, jsonschema.Language())
	one := func(field, option string) string {
		return "version: 1\npackage: example.com/x/jobs\nqueues: {q: {}}\ntypes: {t: {fields: {}}}\njobs:\n  a:\n    queue: q\n    " + option + "\n    payload: {f: " + field + "}\n"
	}
	var files []string
	for _, field := range []string{
		"string", "string?", `"[string]"`, `"[string]?"`, `"{string: t}?"`, "[t?]", "{string: [int32]}", "net/netip.Addr", "net/netip.Addr?", "time.Time", "[[t]]",
		`" string "`, `"[ string ]"`, `" [ { string : t } ] ? "`, "[string, int]", "[]", "{}", "{int: string}", "{string: string, x: y}", "1", "null", "true", `"[]string"`, `"map[string]int"`, `"*string"`,
		"{type: string}", "{type: int, default: 3}", `{type: "[string]?", deprecated: no, renamed_from: g}`, "{type: [string]}", "{renamed_from: g}", "{type: string, x: 1}",
		`{type: string, deprecated: ""}`, `{type: string, renamed_from: "1"}`, "{string: int, default: 3}", "{type: {string: {type: int}}}",
		`"string??"`, `"a,b"`, `"(a)"`, `""`, `" "`, `"?"`, `"[string"`, `"x:"`,
	} {
		files = append(files, one(field, "priority: 0"))
	}
	for _, option := range []string{
		"max_attempts: 1", "max_attempts: 2147483647", "max_attempts: unlimited", "max_attempts: 0", "max_attempts: 2147483648", "max_attempts: many", "max_attempts: 1.5",
		"max_attempts:", "max_work_duration: 30s", "max_work_duration: 1h30m0.5s", "max_work_duration: 5us", "max_work_duration: .5m", "max_work_duration: 0s", "max_work_duration: 30",
		"max_work_duration: -1s", "max_work_duration: 1 hour", "max_work_duration: +2m", "priority: 9", "priority: 10", "priority: -1", "prioritaet: 1", "version: 3", "version: 0", "version: 40000", "reserved: [a, b-c]", "reserved: a", "reserved: [1a]", "reserved: []",
	} {
		files = append(files, one("string", option))
	}
	files = append(files,
		"version: 1\npackage: a.b/c\njobs: {a: {queue: q, payload: {}}}\nqueues: {q: }",
		"version: 1\npackage: a.b/c\njobs: {a: {payload: {}}}\nqueues: {q: }",
		"version: 1\npackage: a.b/c\njobs: {a: {payload: }}\nqueues: {q: }\ndefaults: {queue: q}\ntypes:",
		"version: 1\npackage: a.b/c\njobs: {a: {payload: {}}, b: {queue: q, payload: {}}}\nqueues: {q: }\ndefaults:",
		"version: 1\npackage: a.b/c\njobs: {a: {queue: q}}\nqueues: {q: }",
		"version: 1\npackage: a.b/c\njobs: {a: {}}\nqueues: {q: }",
		"version: 1\npackage: a.b/c\njobs: {a: }\nqueues: {q: }",
		"version: 1\npackage: a.b/c\njobs: {a: , b: {}, c: {payload: }}\nqueues: {q: }\ndefaults: {queue: q}",
		"version: 1\npackage: a.b/c\njobs: {a: []}\nqueues: {q: }\ndefaults: {queue: q}",
		"version: 1\npackage: a.b/c\njobs:\nqueues: {q: }",
		"version: 1\npackage: a.b/c\njobs: {a: {queue: q, payload: {}}}\nqueues: {q: {priority: 3, max_attempts: unlimited}}",
		"version: 1\npackage: a.b/c\njobs: {a: {queue: q, payload: {}}}\nqueues: {q: {queue: q}}",
		"version: 1\npackage: a.b/c\njobs: {a: {queue: q, payload: {}}}\nqueues: {q: }\ntypes: {t: {fields: }, e: {enum: [a, '']}}",
		"version: 1\npackage: a.b/c\njobs: {a: {queue: q, payload: {}}}\nqueues: {q: }\ntypes: {t: {fields: {}, enum: [a]}}",
		"version: 1\npackage: a.b/c\njobs: {a: {queue: q, payload: {}}}\nqueues: {q: }\ntypes: {e: {enum: [\"a\\0\"]}}",
		"version: 1\npackage: a.b/c\njobs: {a: {queue: q, payload: {a.b-c_d: int}}}\nqueues: {q: }\ntypes: {a-b: {fields: {}}}",
		"version: 1\npackage: a.b/c\njobs: {a: {queue: q, payload: {a.b-c_d: int}}}\nqueues: {q: }\ntypes: {uuid: {fields: {}}}",
		"version: '1'\npackage: a.b/c\njobs: {a: {queue: q, payload: {}}}\nqueues: {q: }",
		"package: a.b/c\njobs: {a: {queue: q, payload: {}}}\nqueues: {q: }",
		"[]", "x",
	)
	for _, src := range files {
		_, mistakes := schema.Parse("jobs.yaml", []byte(src))
		if slices.ContainsFunc(beyond, func(id string) bool { return len(mistakes) > 0 && mistakes[0].Rule.Name == id }) {
			t.Fatalf("%s: %v is beyond a schema", src, mistakes)
		}
		doc, err := asJSON(src)
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		if err := language.Validate(doc); (err == nil) != (len(mistakes) == 0) {
			t.Errorf("%s\nthe parser: %v\nthe schema: %v", strings.TrimSpace(src), mistakes, err)
		}
	}
}
