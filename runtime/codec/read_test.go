package codec_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	jobs "github.com/jobgen/jobgen/internal/emit/testdata/full"
	"github.com/jobgen/jobgen/runtime/codec"
)

func TestWhatCannotBeReadIsAnErrorThatNamesThePlace(t *testing.T) {
	t.Parallel()
	const head = `{"id":"1","labels":{},"lines":`
	for data, want := range map[string][2]string{
		`{}`:                                 {"id", "required, and missing"},
		`{"id":"1"}`:                         {"lines", "required, and missing"},
		`{"Id":"1","lines":[],"labels":{}}`:  {"id", "required, and missing"},
		`{"id":null,"lines":[],"labels":{}}`: {"id", "it is null where a string is needed"},
		head + `[{"name":"a","count":1},{"count":2}]}`:        {"lines[1].name", "required, and missing"},
		head + `[{"name":"a","count":null}]}`:                 {"lines[0].count", "it is null where a number is needed"},
		head + `[null]}`:                                      {"lines[0]", "it is null where an object is needed"},
		head + `[{"name":"a","count":"1"}]}`:                  {"lines[0].count", "it is a string where a number is needed"},
		head + `[{"name":"a","count":1.0}]}`:                  {"lines[0].count", "the number does not fit an integer"},
		head + `[{"name":"a","count":1e2}]}`:                  {"lines[0].count", "the number does not fit an integer"},
		head + `[{"name":"a","count":9223372036854775808}]}`:  {"lines[0].count", "does not fit a Go int"},
		head + `[{"name":["a"],"count":1}]}`:                  {"lines[0].name", "it is an array where a string is needed"},
		head + `{}}`:                                          {"lines", "it is an object where an array is needed"},
		head + `[],"ship_to":{"next":{"street":"a"}}}`:        {"ship_to.street", "required, and missing"},
		head + `[],"ship_to":{"street":"a","next":{}}}`:       {"ship_to.next.street", "required, and missing"},
		head + `[],"tags":["a",1]}`:                           {"tags[1]", "it is a number where a string is needed"},
		`{"id":"1","lines":[],"labels":{"a":true}}`:           {"labels.*", "it is a bool where a string is needed"},
		`{"id":"1x","lines":[],"labels":{}}`:                  {"id", `is not the digits of an id`},
		`{"id":"","lines":[],"labels":{}}`:                    {"id", "is not the digits of an id"},
		`{"id":"-","lines":[],"labels":{}}`:                   {"id", "is not the digits of an id"},
		`{"id":"9223372036854775808","lines":[],"labels":{}}`: {"id", "is not the digits of an id"},
		`{"id":1,"lines":[],"labels":{}}`:                     {"id", "it is a number where a string is needed"},
		`{"other":{"a":[1,{"b":tru}]},"id":"1"}`:              {"other", "at byte 22 of the JSON a value is needed"},

		``:                                 {"", "ends too early"},
		` `:                                {"", "ends too early"},
		`null`:                             {"", "it is null where an object is needed"},
		`[]`:                               {"", "it is an array where an object is needed"},
		`{`:                                {"", "ends too early"},
		`{"id`:                             {"", "ends too early"},
		`{"id"`:                            {"", "ends too early"},
		`{"id":`:                           {"id", "ends too early"},
		`{"id":"1"`:                        {"", "ends too early"},
		`{"id":"1",}`:                      {"", "a key is needed"},
		`{"id":"1" "lines":[]}`:            {"", "a comma or the object's end is needed"},
		`{"id" "1"}`:                       {"", "a colon is needed"},
		`{id:"1"}`:                         {"", "a key is needed"},
		`{'id':"1"}`:                       {"", "a key is needed"},
		`{"id":'1'}`:                       {"id", "a string is needed"},
		`{"x":01}`:                         {"", "a comma or the object's end"},
		`{"x":+1}`:                         {"x", "a value is needed"},
		`{"x":1.}`:                         {"x", "a digit is needed"},
		`{"x":.1}`:                         {"x", "a value is needed"},
		`{"x":1e}`:                         {"x", "a digit is needed"},
		`{"x":-}`:                          {"x", "a digit is needed"},
		`{"x":NaN}`:                        {"x", "a value is needed"},
		`{"x":[1,]}`:                       {"x", "a value is needed"},
		`{"x":[1 2]}`:                      {"x", "a comma or the end"},
		`{"x":{"a":1,}}`:                   {"x", "a key is needed"},
		`{"x":{"a"}}`:                      {"x", "a colon is needed"},
		"{\"x\":\"\n\"}":                   {"x", "an escape or the end"},
		"{\"x\":\"\x00\"}":                 {"x", "an escape or the end"},
		"{\"x\x1f\":1}":                    {"", "an escape or the end"},
		`{"x":"\q"}`:                       {"x", "an escape is needed"},
		`{"x":"\u12g4"}`:                   {"x", "a hexadecimal digit is needed"},
		`{"x":"\ud83d"}`:                   {"x", "half of a surrogate pair"},
		`{"x":"\ude00"}`:                   {"x", "half of a surrogate pair"},
		`{"x":"\ud83d\u0041"}`:             {"x", "half of a surrogate pair"},
		`{"x":"\ud83dx"}`:                  {"x", "half of a surrogate pair"},
		"{\"x\":\"\xff\"}":                 {"x", "not valid UTF-8"},
		"{\"x\":\"12345678\xed\xa0\x80\"}": {"x", "not valid UTF-8"},
		"{\"\xc3\":1}":                     {"", "not valid UTF-8"},
		"\ufeff{}":                         {"", "an object is needed"},
		head + `[]} x`:                     {"", "the end is needed"},
		head + `[]}{}`:                     {"", "the end is needed"},
	} {
		var v order
		wrong(t, data, codec.Unmarshal([]byte(data), &v), want[0], want[1])
	}
}

func TestValuesOfOtherKindsAreRefused(t *testing.T) {
	t.Parallel()
	var v jobs.EveryJob
	good := jobs.EveryJob{FJson: json.RawMessage("0")}
	data, err := codec.Append(nil, &good)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		t.Fatal(err)
	}
	for key, bad := range map[string][]string{
		"f_string":   {`null`, `1`, `{}`},
		"f_bool":     {`null`, `"true"`, `0`, `tru`, `truex`},
		"f_int":      {`null`, `"1"`, `1.5`, `-9223372036854775809`},
		"f_int32":    {`2147483648`, `-2147483649`, `1E0`, `12345678901234567890123`},
		"f_int64":    {`9223372036854775808`, `true`},
		"f_uint32":   {`-1`, `4294967296`, `-0`, `null`, `"1"`, `0.0`},
		"f_float64":  {`1e309`, `-1e309`, `"NaN"`, `null`, strings.Repeat("9", 400)},
		"f_bytes":    {`"a"`, `"????"`, `"YQ"`, `[97]`},
		"f_time":     {`""`, `"2006-01-02"`, `"2006-01-02T15:04:05"`, `"2006-13-02T15:04:05Z"`, `0`, `null`},
		"f_duration": {`"1s"`, `1.5`, `9223372036854775808`},
		"f_date":     {`"2023-02-29"`, `20230228`, `null`},
		"f_uuid":     {`"f81d4fae-7dec-11d0-a765-00a0c91e6bf"`, `null`},
		"f_decimal":  {`"1e3"`, `1.5`, `null`, `""`},
		"f_json":     {``, `nul`, `[`},
		"list":       {`{}`, `[1]`, `""`}, "table": {`[]`, `{"a":{}}`}, "parcels": {`{"a":null}`, `{"a":{}}`},
		"url": {`"https://example.com"`, `{"Host":1}`}, "addrs": {`["x"]`, `[1]`},
	} {
		for _, text := range bad {
			var out bytes.Buffer
			sep := "{"
			for k, member := range members {
				if k != key {
					fmt.Fprintf(&out, "%s%q:%s", sep, k, member)
					sep = ","
				}
			}
			fmt.Fprintf(&out, "%s%q:%s}", sep, key, text)
			var ce *codec.Error
			switch err := codec.Unmarshal(out.Bytes(), &v); {
			case !errors.As(err, &ce):
				t.Errorf("%s: %.50s was read: %v", key, text, err)
			case text != `truex` && !strings.HasPrefix(ce.Path, key):
				t.Errorf("%s: %.50s: error at %q: %v", key, text, ce.Path, ce)
			case len(ce.Error()) > 300:
				t.Errorf("%s: %.50s: the error has %d bytes", key, text, len(ce.Error()))
			}
		}
	}
}

func TestNullIsAbsentWhereItMayBe(t *testing.T) {
	t.Parallel()
	v := order{ID: 7, ShipTo: &address{}, Tags: []string{"old"}, Lines: []line{{"old", 1}}, Labels: map[string]string{"old": "1"}}
	if err := codec.Unmarshal([]byte(`{"id":"1","lines":null,"labels":null,"ship_to":null,"tags":null}`), &v); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(order{ID: 1}, v); d != "" {
		t.Error(d)
	}
	v = order{ShipTo: &address{}, Tags: []string{"old"}}
	if err := codec.Unmarshal([]byte(`{"id":"1","lines":[],"labels":{}}`), &v); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(order{ID: 1, Lines: []line{}, Labels: map[string]string{}}, v); d != "" {
		t.Errorf("what was there before shows: %s", d)
	}
}

func TestOfAKeyThatIsThereTwiceTheLastCounts(t *testing.T) {
	t.Parallel()
	var v order
	if err := codec.Unmarshal([]byte(`{"id":"1","tags":["a","b"],"labels":{"a":"1","a":"2"},"lines":[{"name":"x","count":1,"count":2}],"id":"2","tags":["c"],"labels":{"b":"3"},"ship_to":{"street":"a","next":{"street":"b"}},"ship_to":{"street":"c"}}`), &v); err != nil {
		t.Fatal(err)
	}
	want := order{ID: 2, Tags: []string{"c"}, Labels: map[string]string{"b": "3"}, Lines: []line{{"x", 2}}, ShipTo: &address{Street: "c"}}
	if d := cmp.Diff(want, v); d != "" {
		t.Error(d)
	}
	wrong(t, "a second that is wrong", codec.Unmarshal([]byte(`{"id":"1","id":2,"lines":[],"labels":{}}`), &v), "id", "it is a number")
}

// settings has a field of each kind.
type settings struct {
	Retries int32
	To      string
	Note    *string
}

func (p *settings) JSONFields(c *codec.Codec) {
	codec.Default(c, "retries", &p.Retries, codec.Int32, 3)
	codec.Required(c, "to", &p.To, codec.String)
	codec.Optional(c, "note", &p.Note, codec.String)
}

func TestAFieldHasADefault(t *testing.T) {
	t.Parallel()
	note := "n"
	for data, want := range map[string]settings{
		`{"to":"a"}`:                        {3, "a", nil},
		`{"to":"a","retries":0,"note":"n"}`: {0, "a", &note},
		`{"note":"n","to":"b","note":null}`: {3, "b", nil},
	} {
		got := settings{99, "before", new(string)}
		if err := codec.Unmarshal([]byte(data), &got); err != nil {
			t.Errorf("%s: %v", data, err)
		} else if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", data, d)
		}
	}
	out, err := codec.Append(nil, &settings{})
	if want := `{"retries":0,"to":""}`; err != nil || string(out) != want {
		t.Errorf("%s, %v; want %s", out, err, want)
	}
	var v settings
	wrong(t, "no to", codec.Unmarshal([]byte(`{"retries":1}`), &v), "to", "required, and missing")
	wrong(t, "null", codec.Unmarshal([]byte(`{"retries":null,"to":"a"}`), &v), "retries", "it is null")
}

// wide has more fields than fit one word.
type wide [150]int

func (p *wide) JSONFields(c *codec.Codec) {
	for i := range p {
		codec.Required(c, fmt.Sprint("f", i), &p[i], codec.Int)
	}
}

func TestAStructMayHaveAnyNumberOfFields(t *testing.T) {
	t.Parallel()
	var v, back wide
	for i := range v {
		v[i] = i * i
	}
	data, err := codec.Append(nil, &v)
	if err != nil {
		t.Fatal(err)
	}
	if err := codec.Unmarshal(data, &back); err != nil || back != v {
		t.Errorf("%v: %v", err, back)
	}
	for _, i := range []int{0, 63, 64, 65, 149} {
		key := fmt.Sprint("f", i)
		without := strings.Replace(string(data), `"`+key+`":`, `"x":`, 1)
		wrong(t, "without "+key, codec.Unmarshal([]byte(without), &back), key, "required, and missing")
	}
}

// What is hostile is refused before much is done about it.
func TestHostileJSONIsRefusedQuickly(t *testing.T) {
	const large = 100 << 20
	long := bytes.Repeat([]byte("x"), large)
	deep := bytes.Repeat([]byte("["), large)
	for what, data := range map[string][]byte{
		"a long string for a number": bytes.Join([][]byte{[]byte(`{"lines":[{"count":"`), long, []byte(`"}]}`)}, nil),
		"deep nesting":               append([]byte(`{"other":`), deep...),
		"deep structs":               append([]byte(`{"ship_to":`), bytes.Repeat([]byte(`{"street":"","next":`), 1<<20)...),
	} {
		var v order
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := codec.Unmarshal(data, &v)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s was read", what)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20 {
			t.Errorf("%s took %d bytes", what, n)
		}
	}
	// The size is looked at before the text is, or the NUL would be found.
	text := email{EmailID: "\x00" + string(long)}
	_, err := codec.Append(nil, &text)
	wrong(t, "a text of 100 MB", err, "email_id", "more than the 16777216")
}
