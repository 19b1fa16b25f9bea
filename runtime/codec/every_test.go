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
		FString: text.Draw(t, "f_string"), OString: maybe(text).Draw(t, "o_string"),
		FBool: rapid.Bool().Draw(t, "f_bool"), OBool: maybe(rapid.Bool()).Draw(t, "o_bool"),
		FInt: rapid.Int().Draw(t, "f_int"), OInt: maybe(rapid.Int()).Draw(t, "o_int"),
		FInt32: rapid.Int32().Draw(t, "f_int32"), OInt32: maybe(rapid.Int32()).Draw(t, "o_int32"),
		FInt64: rapid.Int64().Draw(t, "f_int64"), OInt64: maybe(rapid.Int64()).Draw(t, "o_int64"),
		FUint32: rapid.Uint32().Draw(t, "f_uint32"), OUint32: maybe(rapid.Uint32()).Draw(t, "o_uint32"),
		FFloat64: float.Draw(t, "f_float64"), OFloat64: maybe(float).Draw(t, "o_float64"),
		FBytes: octets.Draw(t, "f_bytes"), OBytes: nilOr(octets).Draw(t, "o_bytes"),
		FTime: moment.Draw(t, "f_time"), OTime: maybe(moment).Draw(t, "o_time"),
		FDuration: duration.Draw(t, "f_duration"), ODuration: maybe(duration).Draw(t, "o_duration"),
		FDate: day.Draw(t, "f_date"), ODate: maybe(day).Draw(t, "o_date"),
		FUuid: uuid.Draw(t, "f_uuid"), OUuid: maybe(uuid).Draw(t, "o_uuid"),
		FSnowflake: id.Draw(t, "f_snowflake"), OSnowflake: maybe(id).Draw(t, "o_snowflake"),
		FDecimal: decimal.Draw(t, "f_decimal"), ODecimal: maybe(decimal).Draw(t, "o_decimal"),
		FJson: anyJSON.Draw(t, "f_json"), OJson: nilOr(anyJSON).Draw(t, "o_json"),
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
		members["FString"] = json.RawMessage(`"a key in another case is another key"`)
		for i, unknown := range []string{`null`, `-0.5e-7`, `{"f_string": [[], {}, {"a": "\ud83d\ude00"}]}`, `"x\"y"`, `[true, false]`} {
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
	v := jobs.EveryJob{FTime: time.Unix(0, 0).UTC()}
	data, err := codec.Append(nil, &v)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"f_bytes":""`, `"f_json":null`, `"list":[]`, `"deep":[]`, `"parcels":{}`} {
		if !bytes.Contains(data, []byte(want)) {
			t.Errorf("%s is missing in %s", want, data)
		}
	}
	for _, optional := range []string{`"o_string"`, `"o_bytes"`, `"o_json"`, `"table"`, `"addrs"`} {
		if bytes.Contains(data, []byte(optional)) {
			t.Errorf("%s is in %s", optional, data)
		}
	}
	plain := plainEvery(v) // has null where the generated code has an empty one
	var got jobs.EveryJob
	if err := json.Unmarshal(plainJSON(t, &plain), &got); err != nil {
		t.Fatal(err)
	}
	v.FBytes, v.FJson = nil, json.RawMessage("null")
	if d := cmp.Diff(v, got, same); d != "" {
		t.Errorf("what encoding/json wrote is read otherwise (-want +got):\n%s", d)
	}
}
