package codec_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jobgen/jobgen/runtime/codec"
)

var (
	monrovia  = time.FixedZone("MMT", -44*60-30)
	paris     = time.FixedZone("LMT", 9*60+21)
	oddTime   = time.Date(1970, 6, 1, 12, 0, 0, 1, monrovia)
	evenTime  = time.Date(2024, 6, 1, 12, 0, 0, 1, time.FixedZone("", -3*60*60-30*60))
	otherTime = time.Date(1900, 6, 1, 12, 0, 0, 0, paris)
)

func TestATimeWhoseOffsetHasSecondsKeepsItsInstant(t *testing.T) {
	t.Parallel()
	type times struct {
		at       time.Time
		optional *time.Time
		list     []time.Time
		byKey    map[string]*time.Time
	}
	fields := func(v *times) object {
		return object{func(c *codec.Codec) {
			codec.Required(c, "at", &v.at, codec.Time)
			codec.Optional(c, "optional", &v.optional, codec.Time)
			codec.RequiredList(c, "list", &v.list, codec.Time)
			codec.RequiredMap(c, "map", &v.byKey, codec.Nullable(codec.Time))
		}}
	}
	v := times{oddTime, &otherTime, []time.Time{evenTime, oddTime}, map[string]*time.Time{"a": &otherTime, "b": nil}}
	data, err := codec.Append(nil, fields(&v))
	if err != nil {
		t.Fatal(err)
	}
	var back times
	if err := codec.Unmarshal(data, fields(&back)); err != nil {
		t.Fatal(err)
	}
	for what, pair := range map[string][2]time.Time{
		"a field": {v.at, back.at}, "an optional field": {*v.optional, *back.optional}, "a list": {v.list[1], back.list[1]}, "a map": {*v.byKey["a"], *back.byKey["a"]},
	} {
		if !pair[0].Equal(pair[1]) {
			t.Errorf("%s: %v was stored as %v, %v off", what, pair[0], pair[1], pair[1].Sub(pair[0]))
		}
	}
	if !strings.Contains(string(data), `"1970-06-01T12:44:30.000000001Z"`) || !strings.Contains(string(data), `"2024-06-01T12:00:00.000000001-03:30"`) {
		t.Errorf("written as %s", data)
	}
}

// What encoding/json writes of a Go type cannot be corrected, and is refused.
func TestATimeThatEncodingJSONWouldMoveIsRefused(t *testing.T) {
	t.Parallel()
	type stamp struct{ time.Time }
	type pointer struct{ *time.Time }
	type deep struct {
		Skipped time.Time `json:"-"`
		private time.Time
		List    []stamp                 `json:"list"`
		Map     map[string][]*time.Time `json:"map"`
		Any     any                     `json:"any"`
		Key     map[time.Time]int       `json:"key"`
		Embedded
	}
	refused := "RFC 3339"
	for what, c := range map[string]struct {
		value any
		path  string
	}{
		"a time":                        {&oddTime, ""},
		"a pointer to one":              {ptr(&oddTime), ""},
		"an embedded time":              {&stamp{oddTime}, ""},
		"an embedded pointer":           {&pointer{&oddTime}, ""},
		"a list":                        {&deep{List: []stamp{{evenTime}, {otherTime}}}, "list[1]"},
		"a map":                         {&deep{Map: map[string][]*time.Time{"x": {nil, &oddTime}}}, "map.*[1]"},
		"an interface":                  {&deep{Any: []any{1, map[string]any{"x": oddTime}}}, "any[1].*"},
		"the key of a map":              {&deep{Key: map[time.Time]int{oddTime: 1}}, "key"},
		"a field of an embedded struct": {&deep{Embedded: Embedded{At: oddTime}}, "at"},
	} {
		_, err := codec.AppendGo(nil, c.value)
		wrong(t, what, err, c.path, refused)
	}
	for what, value := range map[string]any{
		"a time in an even zone":            &evenTime,
		"the same time in UTC":              ptr(oddTime.UTC()),
		"what is not written":               &deep{Skipped: oddTime, private: oddTime},
		"a type that writes it another way": &unix{oddTime},
	} {
		if data, err := codec.AppendGo(nil, value); err != nil {
			t.Errorf("%s: %s, %v", what, data, err)
		}
	}
	_, err := codec.Append(nil, object{func(c *codec.Codec) { codec.Required(c, "born", &stamp{oddTime}, codec.Go) }})
	wrong(t, "a Go type of a field", err, "born", refused)
}

type Embedded struct {
	At time.Time `json:"at"`
}

// unix is a time that is written as a number.
type unix struct{ time.Time }

func (u unix) MarshalJSON() ([]byte, error) { return []byte(u.Format(`"` + time.UnixDate + `"`)), nil }
