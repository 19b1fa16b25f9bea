package breaking_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/internal/breaking"
	"github.com/jobgen/jobgen/runtime/codec"
	"github.com/jobgen/jobgen/runtime/value"
)

// reads returns what reads a payload with one field, as generated code does.
func reads[T any](value codec.Value[T]) func([]byte) error {
	return func(data []byte) error {
		return codec.Unmarshal(data, onlyX[T]{new(T), value})
	}
}

type onlyX[T any] struct {
	v     *T
	value codec.Value[T]
}

func (x onlyX[T]) JSONFields(c *codec.Codec) { codec.Required(c, "x", x.v, x.value) }

// A payload is read as generated code reads it, value by value.
func TestPayloadsAreReadAsGeneratedCodeReadsThem(t *testing.T) {
	t.Parallel()
	programs := map[string]func([]byte) error{
		"string": reads(codec.String), "bool": reads(codec.Bool), "int": reads(codec.Int), "int32": reads(codec.Int32), "int64": reads(codec.Int64),
		"uint32": reads(codec.Uint32), "float64": reads(codec.Float64), "bytes": reads(codec.Bytes), "time": reads(codec.Time), "duration": reads(codec.Duration),
		"date": reads(codec.Text[value.Date]), "uuid": reads(codec.Text[value.UUID]), "decimal": reads(codec.Text[value.Decimal]),
		"snowflake": reads[snowflake.ID](codec.Snowflake), "json": reads[json.RawMessage](codec.JSON),
		"[int]": reads(codec.List(codec.Int)), "{string: bool}": reads(codec.Map(codec.Bool)), `["int?"]`: reads(codec.List(codec.Nullable(codec.Int))),
	}
	var _ time.Duration // of which codec.Duration is one
	values := []string{
		"", "null", "true", "false", "0", "-0", "1", "-1", "1.0", "1e2", "1.5", "1e400", "2147483647", "2147483648", "-2147483649", "4294967295", "4294967296",
		"9223372036854775807", "9223372036854775808", "-9223372036854775808", "01", "+1", ".5", "1.",
		`""`, `"a"`, `"12"`, `"-12"`, `"1.50"`, `"1e5"`, `"aGk="`, `"aGk"`, `"a-_="`, `"2030-01-02"`, `"2030-02-30"`, `"2030-01-02T03:04:05Z"`, `"2030-01-02T03:04:05.123456789+02:00"`,
		`"2030-01-02 03:04:05Z"`, `"00000000-0000-0000-0000-000000000001"`, `"00000000000000000000000000000001"`, `"9223372036854775808"`, `"\u0041"`, `"\ud800"`, `"\ud83d\ude00"`,
		"[]", "[1]", "[null]", "[1,2.5]", `["a"]`, "{}", `{"a":true}`, `{"a":null}`, `{"a":1}`, "[", "{", `"`,
	}
	for field, program := range programs {
		file := parse(t, "version: 1\npackage: example.com/shop/gen/jobs\nqueues: {q: {}}\njobs: {a: {queue: q, payload: {x: "+field+"}}}\n")
		for _, value := range values {
			data := []byte(`{"x":` + value + `}`)
			want, have := program(data), breaking.Decode(file.Jobs[0].Payload, data)
			if (want == nil) != (have == nil) {
				t.Errorf("%s of %s: a program says %v, and Decode %v", field, data, want, have)
			}
		}
	}
}
