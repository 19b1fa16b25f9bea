package emit

import (
	"math"
	"strconv"
	"time"

	"github.com/dave/jennifer/jen"

	"github.com/jobgen/jobgen/internal/gotypes"
)

// addDefaults adds the method that reads a struct in which fields have
// defaults.
func addDefaults(f *jen.File, name string, fields []*gotypes.Field) {
	values := defaultValues(fields)
	if len(values) == 0 {
		return
	}
	f.Line().Add(comment("UnmarshalJSON gives a field that data lacks its default.").
		Func().Params(jen.Id("p").Op("*").Id(name)).Id("UnmarshalJSON").Params(jen.Id("data").Index().Byte()).Error().
		Block(
			jen.Type().Id("plain").Id(name),
			jen.Id("read").Op(":=").Id("plain").Add(literal(values)),
			jen.If(jen.Err().Op(":=").Qual("encoding/json", "Unmarshal").Call(jen.Id("data"), jen.Op("&").Id("read")), jen.Err().Op("!=").Nil()).
				Block(jen.Return(jen.Err())),
			jen.Op("*").Id("p").Op("=").Id(name).Call(jen.Id("read")),
			jen.Return(jen.Nil()),
		))
}

// defaultValues returns those of fields that have a default, as parts of a
// literal of their struct.
func defaultValues(fields []*gotypes.Field) []jen.Code {
	var values []jen.Code
	for _, f := range fields {
		if f.Default != nil {
			values = append(values, jen.Id(f.Name).Op(":").Add(defaultValue(f)))
		}
	}
	return values
}

// defaultValue returns the default of a field as Go writes it.
func defaultValue(f *gotypes.Field) *jen.Statement {
	d := f.Default
	switch f.Type.Kind {
	case gotypes.KindString:
		return jen.Lit(d.String)
	case gotypes.KindBool:
		return jen.Lit(d.Bool)
	case gotypes.KindFloat64:
		if d.Float == math.Trunc(d.Float) && math.Abs(d.Float) < 1<<53 {
			return jen.Op(strconv.FormatFloat(d.Float, 'f', -1, 64))
		}
		return jen.Op(strconv.FormatFloat(d.Float, 'g', -1, 64))
	case gotypes.KindDuration:
		return duration(time.Duration(d.Int))
	case gotypes.KindNamed:
		return jen.Id(d.Const)
	}
	return jen.Op(strconv.FormatInt(d.Int, 10))
}
