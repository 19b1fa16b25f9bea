package codec_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jobgen/jobgen/runtime/codec"
)

// bomb panics in every method that package codec or encoding/json may call.
type bomb struct{}

func (bomb) MarshalJSON() ([]byte, error)      { panic("MARKER") }
func (*bomb) UnmarshalJSON([]byte) error       { panic("MARKER") }
func (bomb) AppendText([]byte) ([]byte, error) { panic("MARKER") }
func (*bomb) UnmarshalText([]byte) error       { panic("MARKER") }
func (bomb) String() string                    { panic("MARKER") }
func (bomb) JSONFields(*codec.Codec)           { panic("MARKER") }
func (m mine) MarshalJSON() ([]byte, error)    { return nil, mineError{} }
func (m *mine) UnmarshalJSON([]byte) error     { return mineError{} }
func (mineError) Error() string                { panic("MARKER") }
func (o object) JSONFields(c *codec.Codec)     { o.fields(c) }
func (bombAsKey) MarshalText() ([]byte, error) { panic("MARKER") }
func (n *nilMap) MarshalJSON() ([]byte, error) { n.m["a"] = 1; return nil, nil }
func (n *nilMap) UnmarshalJSON(b []byte) error { n.m["a"] = 1; return nil }

type (
	mine      struct{}
	mineError struct{}
	bombAsKey struct{ X int }
	nilMap    struct{ m map[string]int }

	// An object is a payload whose fields are visited by a function.
	object struct{ fields func(*codec.Codec) }

	inner struct {
		Good int    `json:"good"`
		Bad  []bomb `json:"bad"`
	}
	reflected struct {
		A string           `json:"a"`
		B map[string]inner `json:"b"`
	}
	embeds struct {
		inner
	}
)

func TestAMethodThatPanicsIsAnErrorWithTheFieldsPath(t *testing.T) {
	t.Parallel()
	var list []bomb
	var m mine
	var n nilMap
	for what, c := range map[string]struct {
		payload func() any
		data    string
		path    string
	}{
		"a Go type": {func() any {
			return object{func(c *codec.Codec) { codec.Required(c, "a", new(bomb), codec.Go) }}
		}, `{"a":1}`, "a"},
		"a Go type in a list": {func() any {
			list = make([]bomb, 2)
			return object{func(c *codec.Codec) { codec.RequiredList(c, "a", &list, codec.Go[bomb]) }}
		}, `{"a":[1,2]}`, "a[0]"},
		"a text": {func() any {
			return object{func(c *codec.Codec) { codec.Required(c, "a", new(bomb), codec.Text) }}
		}, `{"a":"x"}`, "a"},
		"an error's text": {func() any {
			return object{func(c *codec.Codec) { codec.Required(c, "a", &m, codec.Go) }}
		}, `{"a":1}`, "a"},
		"a write to a nil map": {func() any {
			return object{func(c *codec.Codec) { codec.Required(c, "a", &n, codec.Go) }}
		}, `{"a":1}`, "a"},
		"JSONFields":              {func() any { return bomb{} }, `{}`, ""},
		"a payload by reflection": {func() any { return &reflected{B: map[string]inner{"k": {Bad: []bomb{{}}}}} }, `{"b":{"k":{"bad":[1]}}}`, "b.*.bad[0]"},
		"an embedded struct":      {func() any { return &embeds{inner{Bad: []bomb{{}}}} }, "", "bad[0]"},
		"the payload itself":      {func() any { return new(mine) }, `{}`, ""},
		"the key of a map":        {func() any { return &map[bombAsKey]int{{1}: 1} }, "", ""},
	} {
		var whole *codec.Error
		_, err := write(c.payload())
		for way, err := range map[string]error{"written": err, "read": read(c.data, c.payload)} {
			var p *codec.PanicError
			if way == "read" && c.data == "" {
				continue
			}
			if !errors.As(err, &whole) || !errors.As(err, &p) || whole.Path != c.path || len(p.Stack) == 0 {
				t.Errorf("%s, %s: %v, want a panic at %q", what, way, err, c.path)
				continue
			}
			if strings.Contains(err.Error(), "MARKER") || !strings.Contains(err.Error(), "panicked") {
				t.Errorf("%s, %s: the error is %q", what, way, err)
			}
		}
	}
}

func TestAfterAPanicOtherPayloadsAreWrittenAndRead(t *testing.T) {
	t.Parallel()
	for range 100 {
		_, _ = write(&reflected{B: map[string]inner{"k": {Bad: []bomb{{}}}}})
		_ = read(`{"b":{"k":{"bad":[1]}}}`, func() any { return new(reflected) })
		data, err := codec.AppendGo([]byte("x"), &reflected{A: "1"})
		if want := `x{"a":"1","b":null}`; string(data) != want || err != nil {
			t.Fatalf("%s, %v; want %s", data, err, want)
		}
	}
}

func write(payload any) ([]byte, error) {
	if p, ok := payload.(codec.Payload); ok {
		return codec.Append(nil, p)
	}
	return codec.AppendGo(nil, payload)
}

func read(data string, payload func() any) error {
	if p, ok := payload().(codec.Payload); ok {
		return codec.Unmarshal([]byte(data), p)
	}
	return codec.UnmarshalGo([]byte(data), payload())
}

func TestAPayloadByReflectionIsHeldToWhatStoresKeep(t *testing.T) {
	t.Parallel()
	type payload struct {
		Text  string            `json:"text"`
		Texts []string          `json:"texts,omitempty"`
		Map   map[string]string `json:"map,omitempty"`
		Raw   json.RawMessage   `json:"raw,omitempty"`
	}
	for what, c := range map[string]struct {
		value      payload
		path, says string
	}{
		"a NUL":            {payload{Text: "a\x00"}, "text", "NUL"},
		"a NUL in a list":  {payload{Texts: []string{"", "\x00"}}, "texts[1]", "NUL"},
		"a NUL in a key":   {payload{Map: map[string]string{"\x00": ""}}, "map.\x00", "NUL"},
		"no UTF-8":         {payload{Text: "\xff"}, "text", "UTF-8"},
		"no UTF-8 in JSON": {payload{Raw: json.RawMessage("{\"a\":\"\xff\"}")}, "raw.a", "UTF-8"},
		"half a surrogate": {payload{Raw: json.RawMessage(`["","\ud800"]`)}, "raw[1]", "surrogate"},
		"too long":         {payload{Text: strings.Repeat("x", codec.MaxSize)}, "", "more than the 16777216"},
		"too deep":         {payload{Raw: json.RawMessage(strings.Repeat("[", 1001) + strings.Repeat("]", 1001))}, "", "1000 levels"},
	} {
		out, err := codec.AppendGo([]byte("before"), &c.value)
		if string(out) != "before" {
			t.Errorf("%s: %d bytes were returned", what, len(out))
		}
		var ce *codec.Error
		if c.path == "" && errors.As(err, &ce) {
			c.path = ce.Path
		}
		wrong(t, what, err, c.path, c.says)
	}
	kept := payload{Text: "\ufffd <&> \u2028", Texts: []string{"a"}, Raw: json.RawMessage(`"\ud83d\ude00"`)}
	data, err := codec.AppendGo(nil, &kept)
	var back payload
	if err != nil || codec.UnmarshalGo(data, &back) != nil || back.Text != kept.Text || !slices.Equal(back.Texts, kept.Texts) {
		t.Errorf("%s, %v: read as %+v", data, err, back)
	}
	for data, at := range map[string]string{`{"text":1}`: "text", `{"texts":[1]}`: "texts", `[]`: "", `{} {}`: "", `{`: "", "{\"text\":\"\xff\"}": ""} {
		wrong(t, data, codec.UnmarshalGo([]byte(data), &back), at, "")
	}
}

// An endless error unwraps to itself.
type endless struct{}

func (endless) Error() string                { return "MARKER" }
func (endless) Unwrap() error                { return endless{} }
func (endless) MarshalText() ([]byte, error) { return nil, endless{} }
func (*endless) UnmarshalText([]byte) error  { return endless{} }

// A moody value lies in itself, and panics every second time.
type moody struct {
	Mood mood
	Self *moody
}

type mood struct{ times *int }

func (m mood) MarshalJSON() ([]byte, error) {
	if *m.times++; *m.times%2 == 0 {
		panic("MARKER")
	}
	return []byte("1"), nil
}

func TestErrorsAndValuesWithoutAnEndAreErrors(t *testing.T) {
	t.Parallel()
	m := &moody{Mood: mood{new(int)}}
	m.Self = m
	e := struct{ E endless }{}
	for name, err := range map[string]error{
		"write an endless error": appendGoError(&e),
		"read an endless error":  codec.UnmarshalGo([]byte(`{"E":"x"}`), &e),
		"write a moody value":    appendGoError(m),
	} {
		if err == nil || strings.Contains(err.Error(), "panic: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func appendGoError(v any) error {
	_, err := codec.AppendGo(nil, v)
	return err
}
