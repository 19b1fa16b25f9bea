package breaking_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/jobgen/jobgen/internal/breaking"
	"github.com/jobgen/jobgen/internal/lock"
	"github.com/jobgen/jobgen/internal/schema"
)

// drawFile draws a jobs.yaml of one job from a few names and types, so that
// two of them often have something in common.
func drawFile(r *rapid.T, label string) *schema.File {
	refs := rapid.SampledFrom([]string{
		"int", "int32", "int64", "uint32", "float64", "string", "bool", "date", "uuid", "snowflake", "decimal", "json", "duration", "size", "line", "line?", "string?", "size?",
		"[int32]", "[int64]", "[line]", `["line?"]`, `["string?"]`, "{string: int}", "{string: size}", `"[int]?"`, "{string: [line]}", "{type: int, default: 3}", "{type: string, default: x}",
		"{type: size, default: s}",
	})
	fields := func(kind string) string {
		var all []string
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 3, rapid.ID).Draw(r, label+kind) {
			all = append(all, name+": "+refs.Draw(r, label+kind+name))
		}
		return "{" + strings.Join(all, ", ") + "}"
	}
	values := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"m", "l", "xl"}), 0, 2, rapid.ID).Draw(r, label+"values")
	src := "version: 1\npackage: example.com/shop/gen/jobs\nqueues: {q: {}}\ntypes:\n  line: {fields: " + fields("line") + "}\n  size: {enum: [" +
		strings.Join(append(values, "s"), ", ") + "]}\njobs: {a: {queue: q, payload: " + fields("payload") + "}}\n"
	file, mistakes := schema.Parse("jobs.yaml", []byte(src))
	if len(mistakes) > 0 {
		r.Skipf("%v", mistakes) // a struct that holds itself
	}
	return file
}

// drawPayload draws a payload as a program writes it.
func drawPayload(r *rapid.T, fields []*schema.Field, depth int) map[string]any {
	p := make(map[string]any)
	for _, f := range fields {
		if f.Type.Optional && rapid.Bool().Draw(r, "absent") {
			continue
		}
		ref := *f.Type
		ref.Optional = false
		p[f.Stored()] = drawValue(r, &ref, depth)
	}
	return p
}

func drawValue(r *rapid.T, ref *schema.Ref, depth int) any {
	if ref.Optional && (depth > 3 || rapid.Bool().Draw(r, "null")) {
		return nil
	}
	many := 2
	if depth > 3 {
		many = 0
	}
	switch {
	case ref.List != nil:
		list := []any{}
		for range rapid.IntRange(0, many).Draw(r, "length") {
			list = append(list, drawValue(r, ref.List, depth+1))
		}
		return list
	case ref.Map != nil:
		m := map[string]any{}
		for i := range rapid.IntRange(0, many).Draw(r, "length") {
			m[fmt.Sprint(i)] = drawValue(r, ref.Map, depth+1)
		}
		return m
	case ref.Declared != nil && ref.Declared.IsEnum:
		return rapid.SampledFrom(ref.Declared.Enum).Draw(r, "enum").Value.Value
	case ref.Declared != nil:
		return drawPayload(r, ref.Declared.Fields, depth+1)
	}
	number := func(low, high int64) json.Number {
		n := rapid.SampledFrom([]int64{low, high, 0, 1}).Draw(r, "number")
		return json.Number(strconv.FormatInt(n, 10))
	}
	switch ref.Builtin.Name {
	case "int", "int64", "duration":
		return number(-1<<63, 1<<63-1)
	case "int32":
		return number(-1<<31, 1<<31-1)
	case "uint32":
		return number(0, 1<<32-1)
	case "float64":
		return rapid.SampledFrom([]float64{0, 1.5, -1e300, 5}).Draw(r, "float")
	case "bool":
		return rapid.Bool().Draw(r, "bool")
	case "date":
		return "2030-01-02"
	case "uuid":
		return "00000000-0000-0000-0000-000000000001"
	case "snowflake":
		return "12"
	case "decimal":
		return "1.50"
	case "json":
		return rapid.SampledFrom([]any{nil, 1, "a", []any{}, map[string]any{}}).Draw(r, "json")
	}
	return rapid.SampledFrom([]string{"", "s", "text"}).Draw(r, "text")
}

// What is said to be read is read, whatever a program may have written.
func TestWhatIsJudgedReadableIsRead(t *testing.T) {
	t.Parallel()
	reads, refused := 0, 0
	rapid.Check(t, func(r *rapid.T) {
		old, now := drawFile(r, "old"), drawFile(r, "new")
		was, is := old.Jobs[0].Payload, now.Jobs[0].Payload
		c := breaking.Payloads(breaking.Shape{Fields: was}, breaking.Shape{Fields: is})
		if back := breaking.Payloads(breaking.Shape{Fields: is}, breaking.Shape{Fields: was}); c.ReadBack() && !back.Reads() && !onlyDefaults(back) {
			r.Fatalf("the old definition is said to read the new one, and the other way round it is not: %+v, %+v", c, back)
		}
		check := func(what string, yes bool, writes, reads []*schema.Field) {
			if !yes {
				return
			}
			data, err := json.Marshal(drawPayload(r, writes, 0))
			if err != nil {
				r.Fatal(err)
			}
			if err := breaking.Decode(reads, data); err != nil {
				r.Fatalf("the %s: %v\n%s", what, err, data)
			}
		}
		check("new program reads what the old one wrote", c.Reads(), was, is)
		check("old program reads what the new one wrote", c.ReadBack(), is, was)
		if c.Reads() {
			reads++
		} else {
			refused++
		}
	})
	if reads == 0 || refused == 0 {
		t.Errorf("%d pairs were read and %d refused, which says nothing", reads, refused)
	}
}

// onlyDefaults says of a comparison that what it does not read is a field that
// had a default: older payloads may lack it, but the newest do not.
func onlyDefaults(c breaking.Comparison) bool {
	for _, change := range c.Changes {
		if !change.Reads && change.Rule != breaking.FieldMadeRequired {
			return false
		}
	}
	return true
}

// Whatever is done to a payload, in however many steps, the lock lets nothing
// through that leaves what was stored on the way unreadable.
func TestWhateverTheLockLetsThroughIsRead(t *testing.T) {
	t.Parallel()
	type stored struct {
		version int16
		data    []byte
	}
	rapid.Check(t, func(r *rapid.T) {
		var last *schema.Lock
		var rows []stored
		for step := range rapid.IntRange(2, 5).Draw(r, "steps") {
			file := drawFile(r, fmt.Sprint("step", step))
			result := lock.Advance(last, file)
			if len(result.Refused) > 0 {
				file.Jobs[0].Version.Value = last.Job("a").Newest().Version + 1
				if result = lock.Advance(last, file); len(result.Refused) > 0 {
					r.Fatalf("refused at the next version: %+v", result.Refused)
				}
			}
			again, mistakes := lock.Parse("jobs.lock", lock.Format(result.Lock))
			if len(mistakes) > 0 {
				r.Fatalf("%v\n%s", mistakes, lock.Format(result.Lock))
			}
			last = again
			file.Lock = result.Lock
			data, err := json.Marshal(drawPayload(r, file.Jobs[0].Payload, 0))
			if err != nil {
				r.Fatal(err)
			}
			rows = append(rows, stored{file.Lock.Job("a").Newest().Version, data})
			reader := breaking.NewReader(file)
			for _, row := range rows {
				fields, why := reader.Fields("a", row.version, "q")
				if why != "" {
					r.Fatalf("version %d: %s", row.version, why)
				}
				if err := breaking.Decode(fields, row.data); err != nil {
					r.Fatalf("version %d: %v\n%s\n%s", row.version, err, row.data, lock.Format(file.Lock))
				}
			}
		}
	})
}
