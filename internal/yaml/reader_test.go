package yaml_test

import (
	"strings"
	"testing"

	"github.com/jobgen/jobgen/internal/yaml"
)

func TestWhatTheParserWouldTakeIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"a: 1\nb: \xff\n":          "2:4",
		"a: \u202e\n":              "1:4",
		"a: \x00\n":                "1:4",
		"a: &x 1\n":                "1:4",
		"a: *x\n":                  "1:4",
		"a: !!str 1\n":             "1:4",
		"a: 1\n---\nb: 2\n":        "2:1",
		"a: 1\nb: 2\na: 3\na: 4\n": "3:1 4:1",
		"1: a\n":                   "1:1",
		strings.Repeat("[", 100):   "1:65",
	} {
		r := &yaml.Reader{}
		if root := r.Parse([]byte(src)); root != nil {
			r.Mapping(root, "the file")
		}
		r.Mistakes.Sort()
		var have []string
		for _, m := range r.Mistakes {
			have = append(have, m.Position.String())
		}
		if strings.Join(have, " ") != want {
			t.Errorf("%.40q: mistakes at %v, want them at %s", src, have, want)
		}
	}
}

func TestAMappingIsReadInItsOrderWithTheCommentsAbove(t *testing.T) {
	t.Parallel()
	r := &yaml.Reader{}
	root := r.Parse([]byte("\ufeff# One.\r\n#\r\n#  two\r\nb: x\r\na: # beside\r\n  # Inner.\r\n  c: 1\r\n"))
	var have []string
	there := r.Keys(root, "the file", map[string]yaml.ReadFunc{
		"a": func(e yaml.Entry) {
			r.Keys(e.Value, "a", map[string]yaml.ReadFunc{"c": func(e yaml.Entry) { have = append(have, "c: "+e.Doc) }})
		},
		"b": func(e yaml.Entry) {
			text, _ := r.Text(e.Value, "b")
			have = append(have, "b: "+text.Value+" "+e.Doc)
		},
	})
	if want := "b: x One.\n\n two|c: Inner."; strings.Join(have, "|") != want || len(there) != 2 || len(r.Mistakes) > 0 {
		t.Errorf("%q, %v, %v; want %q", strings.Join(have, "|"), there, r.Mistakes, want)
	}
	for _, e := range []string{"unknown: 1\n", "[a]\n", "b: [x]\n"} {
		r := &yaml.Reader{}
		r.Keys(r.Parse([]byte(e)), "the file", map[string]yaml.ReadFunc{"b": func(e yaml.Entry) { r.Text(e.Value, "b") }})
		if len(r.Mistakes) != 1 {
			t.Errorf("%q: %v, want one mistake", e, r.Mistakes)
		}
	}
}
