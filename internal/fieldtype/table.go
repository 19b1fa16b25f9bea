package fieldtype

import (
	"math"

	"github.com/jobgen/jobgen/runtime/codec"
	"github.com/jobgen/jobgen/runtime/value"
)

// A Type is one row.
type Type struct {
	Name string // in jobs.yaml
	// Elsewhere are what other languages call it, for which it is suggested.
	Elsewhere []string

	// Import and Go are its Go type: an import path and a name in that package,
	// or no path and any type that takes none.
	Import, Go string
	// Nilable says that an optional field is a nil of the type, and no pointer.
	Nilable bool
	// Codec is the function of runtime/codec that writes and reads it. A Generic
	// one is told the Go type where nothing else says which it is.
	Codec   string
	Generic bool

	// Read reads a stored value as generated code does.
	Read func(data []byte) error
	// Null says that a value may be null where the field is not optional.
	Null bool
	// Any says that it is any JSON, and so reads what every other type has written.
	Any bool
	// ReadAs names the other types that read all its values without loss. An int
	// has 64 bits wherever jobgen's jobs run.
	ReadAs []string
	// JSON is what its values are in a JSON Schema.
	JSON JSON

	// Default returns a default that is written in a file as a value of the type,
	// a string, bool, int64, float64 or time.Duration, or what to write instead.
	// It is nil for a type that can have none.
	Default func(Literal) (v any, write string)
	// Bare says that a default is written without quotes.
	Bare bool
}

// JSON says what the values of a type are in JSON. The zero value is anything.
type JSON struct {
	Type            string // "string"
	Range           *[2]int64
	Title           string
	Format          string // what is meant, for those who check it
	Pattern         string // as much of that as all check
	ContentEncoding string
}

const (
	valuePath     = "github.com/jobgen/jobgen/runtime/value"
	snowflakePath = "github.com/bwmarrin/snowflake"
)

var all = []*Type{
	{
		Name: "string", Elsewhere: []string{"text", "str", "varchar"}, Go: "string", Codec: "String", Read: read(codec.String),
		JSON: JSON{Type: "string"}, Default: text,
	},
	{
		Name: "bool", Elsewhere: []string{"boolean"}, Go: "bool", Codec: "Bool", Read: read(codec.Bool),
		JSON: JSON{Type: "boolean"}, Default: boolean, Bare: true,
	},
	{
		Name: "int", Elsewhere: []string{"integer"}, Go: "int", Codec: "Int", Read: read(codec.Int), ReadAs: []string{"int64"},
		JSON: integers(math.MinInt64, math.MaxInt64), Default: integer(math.MinInt64, math.MaxInt64), Bare: true,
	},
	{
		Name: "int32", Go: "int32", Codec: "Int32", Read: read(codec.Int32), ReadAs: []string{"int", "int64", "float64"},
		JSON: integers(math.MinInt32, math.MaxInt32), Default: integer(math.MinInt32, math.MaxInt32), Bare: true,
	},
	{
		Name: "int64", Elsewhere: []string{"long", "bigint"}, Go: "int64", Codec: "Int64", Read: read(codec.Int64), ReadAs: []string{"int"},
		JSON: integers(math.MinInt64, math.MaxInt64), Default: integer(math.MinInt64, math.MaxInt64), Bare: true,
	},
	{
		Name: "uint32", Elsewhere: []string{"uint"}, Go: "uint32", Codec: "Uint32", Read: read(codec.Uint32), ReadAs: []string{"int", "int64", "float64"},
		JSON: integers(0, math.MaxUint32), Default: integer(0, math.MaxUint32), Bare: true,
	},
	{
		Name: "float64", Elsewhere: []string{"float", "double", "number"}, Go: "float64", Codec: "Float64", Read: read(codec.Float64),
		JSON: JSON{Type: "number"}, Default: float, Bare: true,
	},
	{
		Name: "bytes", Elsewhere: []string{"byte", "blob", "binary"}, Go: "[]byte", Nilable: true, Codec: "Bytes", Read: read(codec.Bytes), Null: true,
		JSON: JSON{Type: "string", ContentEncoding: "base64", Pattern: `^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$`},
	},
	{
		Name: "time", Elsewhere: []string{"datetime", "timestamp"}, Import: "time", Go: "Time", Codec: "Time", Read: read(codec.Time), ReadAs: []string{"string"},
		JSON: JSON{Type: "string", Format: "date-time", Pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$`},
	},
	{
		Name: "duration", Elsewhere: []string{"interval"}, Import: "time", Go: "Duration", Codec: "Duration", Read: read(codec.Duration),
		JSON: JSON{Type: "integer", Range: &[2]int64{math.MinInt64, math.MaxInt64}, Title: "nanoseconds"}, Default: duration,
	},
	{
		Name: "date", Import: valuePath, Go: "Date", Codec: "Text", Generic: true, Read: read(codec.Text[value.Date]), ReadAs: []string{"string"},
		JSON: JSON{Type: "string", Format: "date", Pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`},
	},
	{
		Name: "uuid", Elsewhere: []string{"guid"}, Import: valuePath, Go: "UUID", Codec: "Text", Generic: true, Read: read(codec.Text[value.UUID]), ReadAs: []string{"string"},
		JSON: JSON{Type: "string", Format: "uuid", Pattern: `^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$`},
	},
	{
		Name: "snowflake", Import: snowflakePath, Go: "ID", Codec: "Snowflake", Read: read(codec.Snowflake), ReadAs: []string{"string"},
		JSON: JSON{Type: "string", Pattern: `^-?[0-9]{1,19}$`},
	},
	{
		Name: "decimal", Elsewhere: []string{"numeric", "money"}, Import: valuePath, Go: "Decimal", Codec: "Text", Generic: true, Read: read(codec.Text[value.Decimal]), ReadAs: []string{"string"},
		JSON: JSON{Type: "string", Pattern: `^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`},
	},
	{
		Name: "json", Elsewhere: []string{"object", "any"}, Import: "encoding/json", Go: "RawMessage", Nilable: true, Codec: "JSON", Read: read(codec.JSON), Null: true, Any: true,
	},
}

// All returns the rows in the order of the reference.
func All() []*Type { return all }

// Names returns the names in the same order.
func Names() []string {
	names := make([]string, len(all))
	for i, t := range all {
		names[i] = t.Name
	}
	return names
}

// Named returns the type of that name, or nil.
func Named(name string) *Type { return byName[name] }

// Elsewhere returns the type that other languages call name, in small letters,
// or nil.
func Elsewhere(name string) *Type { return byOther[name] }

var byName, byOther = func() (byName, byOther map[string]*Type) {
	byName, byOther = make(map[string]*Type), make(map[string]*Type)
	for _, t := range all {
		byName[t.Name] = t
		for _, other := range t.Elsewhere {
			byOther[other] = t
		}
	}
	return byName, byOther
}()

func integers(low, high int64) JSON { return JSON{Type: "integer", Range: &[2]int64{low, high}} }
