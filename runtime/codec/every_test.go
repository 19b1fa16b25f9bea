package codec_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/bwmarrin/snowflake"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	jobs "github.com/jobgen/jobgen/internal/emit/testdata/full"
	"github.com/jobgen/jobgen/runtime/codec"
	"github.com/jobgen/jobgen/runtime/value"
)

// plainEvery is the payload without its methods, as encoding/json has it.
type plainEvery jobs.EveryJob

// plainJSON is the JSON that encoding/json makes of v.
func plainJSON(t testing.TB, v any) []byte {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}

var same = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b value.Date) bool { return a == b }),
	cmp.Comparer(func(a, b value.Decimal) bool { return a == b }),
	cmp.FilterPath(func(p cmp.Path) bool { return p.Last().Type() == reflect.TypeFor[json.RawMessage]() },
		cmp.Transformer("compact", func(raw json.RawMessage) string {
			var buf bytes.Buffer
			if err := json.Compact(&buf, raw); err != nil {
				return err.Error()
			}
			return buf.String()
		})),
}

// text is what every store can keep, with letters that are escaped among it.
var text = rapid.OneOf(
	rapid.String(),
	rapid.SampledFrom([]string{"", "<a href=\"x\">&amp;</a>", "\b\f\n\r\t\x01\x1f\x7f", "\u2028\u2029\ufffd\ufeff", "\U0010ffff", `\u0000\`, "12345678\"", "1234567\\", "große Straße"}),
	rapid.StringN(60, 90, -1),
).Filter(func(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) })

var float = rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{
	0, math.Copysign(0, -1), 1e-6, 9.99e-7, 1e21, 1e20, 1e-9, 1e-10, math.MaxFloat64, math.SmallestNonzeroFloat64, 0.1, 100,
})).Filter(func(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) })

var moment = rapid.Custom(func(t *rapid.T) time.Time {
	at := time.Unix(rapid.Int64Range(-62135596800+86400, 253402300799-86400).Draw(t, "unix"), rapid.Int64Range(0, 999999999).Draw(t, "ns"))
	return at.In(time.FixedZone("", 60*rapid.IntRange(-23*60, 23*60).Draw(t, "offset")))
})

var day = rapid.Custom(func(t *rapid.T) value.Date {
	return value.Date{}.AddDays(rapid.IntRange(0, 3652058).Draw(t, "day"))
})

var anyJSON = rapid.Map(rapid.SampledFrom([]string{"null", "1", ` [ 1 , {"a b" : "\u00e4 \\\" "} ] `, `"x"`, "{}", "-1.5e+3", "true"}), func(s string) json.RawMessage { return json.RawMessage(s) })

var addressOf = rapid.Custom(func(t *rapid.T) jobs.Address {
	a := jobs.Address{Street: text.Draw(t, "street")}
	for n := rapid.IntRange(0, 3).Draw(t, "next"); n > 0; n-- {
		next := a
		a = jobs.Address{Street: text.Draw(t, "street"), Next: &next}
	}
	return a
})

func slice[T any](g *rapid.Generator[T]) *rapid.Generator[[]T] { return rapid.SliceOfN(g, 0, 4) }

func table[T any](g *rapid.Generator[T]) *rapid.Generator[map[string]T] {
	return rapid.MapOfN(text, g, 0, 4)
}

func maybe[T any](g *rapid.Generator[T]) *rapid.Generator[*T] { return rapid.Ptr(g, true) }

// nilOr is g or nil.
func nilOr[T any](g *rapid.Generator[T]) *rapid.Generator[T] {
	return rapid.Custom(func(t *rapid.T) (v T) {
		if rapid.Bool().Draw(t, "there") {
			v = g.Draw(t, "value")
		}
		return v
	})
}

var every = rapid.Custom(func(t *rapid.T) jobs.EveryJob {
	id := rapid.Map(rapid.Int64(), func(n int64) snowflake.ID { return snowflake.ID(n) })
	duration := rapid.Map(rapid.Int64(), func(n int64) time.Duration { return time.Duration(n) })
	uuid := rapid.Map(rapid.SliceOfN(rapid.Byte(), 16, 16), func(b []byte) value.UUID { return value.UUID(b) })
	decimal := rapid.Map(rapid.Int64(), func(n int64) value.Decimal { return value.NewDecimal(n, uint8(n)%10) })
	octets := rapid.SliceOfN(rapid.Byte(), 0, 50)
	statuses := slice(maybe(rapid.SampledFrom([]jobs.Status{jobs.StatusActive, jobs.StatusAccountClosed})))
	site := url.URL{Scheme: "https", Host: text.Draw(t, "host"), Path: text.Draw(t, "path"), ForceQuery: rapid.Bool().Draw(t, "force")}
	return jobs.EveryJob{
		F0: text.Draw(t, "f0"), O0: maybe(text).Draw(t, "o0"),
		F1: rapid.Bool().Draw(t, "f1"), O1: maybe(rapid.Bool()).Draw(t, "o1"),
		F2: rapid.Int().Draw(t, "f2"), O2: maybe(rapid.Int()).Draw(t, "o2"),
		F3: rapid.Int32().Draw(t, "f3"), O3: maybe(rapid.Int32()).Draw(t, "o3"),
		F4: rapid.Int64().Draw(t, "f4"), O4: maybe(rapid.Int64()).Draw(t, "o4"),
		F5: rapid.Uint32().Draw(t, "f5"), O5: maybe(rapid.Uint32()).Draw(t, "o5"),
		F6: float.Draw(t, "f6"), O6: maybe(float).Draw(t, "o6"),
		F7: octets.Draw(t, "f7"), O7: nilOr(octets).Draw(t, "o7"),
		F8: moment.Draw(t, "f8"), O8: maybe(moment).Draw(t, "o8"),
		F9: duration.Draw(t, "f9"), O9: maybe(duration).Draw(t, "o9"),
		F10: day.Draw(t, "f10"), O10: maybe(day).Draw(t, "o10"),
		F11: uuid.Draw(t, "f11"), O11: maybe(uuid).Draw(t, "o11"),
		F12: id.Draw(t, "f12"), O12: maybe(id).Draw(t, "o12"),
		F13: decimal.Draw(t, "f13"), O13: maybe(decimal).Draw(t, "o13"),
		F14: anyJSON.Draw(t, "f14"), O14: nilOr(anyJSON).Draw(t, "o14"),
		List: statuses.Draw(t, "list"), Table: nilOr(table(statuses)).Draw(t, "table"),
		Address: addressOf.Draw(t, "address"), URL: site, Odd: text.Draw(t, "odd"),
		Dates: slice(day).Draw(t, "dates"), Deep: slice(nilOr(table(nilOr(slice(rapid.Int()))))).Draw(t, "deep"),
		Parcels:  table(addressOf).Draw(t, "parcels"),
		Addrs:    nilOr(slice(maybe(rapid.Just(netip.MustParseAddr("fe80::1%<eth0>"))))).Draw(t, "addrs"),
		Anything: nilOr(table(anyJSON)).Draw(t, "anything"),
	}
})

func TestWhatIsWrittenIsWhatEncodingJSONWrites(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		v := every.Draw(r, "payload")
		before := []byte("before")
		got, err := codec.Append(before, &v)
		if err != nil {
			r.Fatal(err)
		}
		plain := plainEvery(v)
		if want := "before" + string(plainJSON(t, &plain)); string(got) != want {
			r.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}

func TestWhatWasWrittenIsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		want := every.Draw(r, "payload")
		data, err := codec.Append(nil, &want)
		if err != nil {
			r.Fatal(err)
		}
		var got jobs.EveryJob
		if err := codec.Unmarshal(data, &got); err != nil {
			r.Fatalf("%v in %s", err, data)
		}
		if d := cmp.Diff(want, got, same); d != "" {
			r.Fatalf("not as it was written (-want +got):\n%s", d)
		}
		var plain plainEvery
		if err := json.Unmarshal(data, &plain); err != nil {
			r.Fatal(err)
		}
		if d := cmp.Diff(jobs.EveryJob(plain), got, same); d != "" {
			r.Fatalf("not as encoding/json reads it (-want +got):\n%s", d)
		}
	})
}

// Keys in any order, among others and with white space and escapes in them.
func TestKeysAreReadInAnyOrderAmongOthers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		want := every.Draw(r, "payload")
		data, err := codec.Append(nil, &want)
		if err != nil {
			r.Fatal(err)
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(data, &members); err != nil {
			r.Fatal(err)
		}
		members["F0"] = json.RawMessage(`"a key in another case is another key"`)
		for i, unknown := range []string{`null`, `-0.5e-7`, `{"f0": [[], {}, {"a": "\ud83d\ude00"}]}`, `"x\"y"`, `[true, false]`} {
			members[fmt.Sprintf("new%d", i)] = json.RawMessage(unknown)
		}
		keys := make([]string, 0, len(members))
		for key := range members {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		var out bytes.Buffer
		out.WriteString(" {")
		for i, key := range rapid.Permutation(keys).Draw(r, "order") {
			if i > 0 {
				out.WriteString("\n,\t")
			}
			name := plainJSON(t, key)
			if rapid.Bool().Draw(r, "escaped") {
				name = []byte(fmt.Sprintf(`"\u%04x%s"`, key[0], key[1:]))
			}
			fmt.Fprintf(&out, "%s :\r %s ", name, members[key])
		}
		out.WriteString("} ")
		var got jobs.EveryJob
		if err := codec.Unmarshal(out.Bytes(), &got); err != nil {
			r.Fatalf("%v in %s", err, out.Bytes())
		}
		if d := cmp.Diff(want, got, same); d != "" {
			r.Fatalf("not as it was written (-want +got):\n%s", d)
		}
	})
}

func TestWhatIsRequiredAndNilIsWrittenEmpty(t *testing.T) {
	t.Parallel()
	v := jobs.EveryJob{F8: time.Unix(0, 0).UTC()}
	data, err := codec.Append(nil, &v)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"f7":""`, `"f14":null`, `"list":[]`, `"deep":[]`, `"parcels":{}`} {
		if !bytes.Contains(data, []byte(want)) {
			t.Errorf("%s is missing in %s", want, data)
		}
	}
	for _, optional := range []string{`"o0"`, `"o7"`, `"o14"`, `"table"`, `"addrs"`} {
		if bytes.Contains(data, []byte(optional)) {
			t.Errorf("%s is in %s", optional, data)
		}
	}
	plain := plainEvery(v) // has null where the generated code has an empty one
	var got jobs.EveryJob
	if err := json.Unmarshal(plainJSON(t, &plain), &got); err != nil {
		t.Fatal(err)
	}
	v.F7, v.F14 = nil, json.RawMessage("null")
	if d := cmp.Diff(v, got, same); d != "" {
		t.Errorf("what encoding/json wrote is read otherwise (-want +got):\n%s", d)
	}
}
