package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/jobgen/jobgen/internal/gotypes"
)

// codecCode adds what writes and reads the struct name as JSON: two methods and
// the description of its fields that both have in common.
func codecCode(f *jen.File, name string, fields []*gotypes.Field) {
	method := func() *jen.Statement { return jen.Func().Params(jen.Id("p").Op("*").Id(name)) }
	body := func(function, arg string) *jen.Statement {
		return jen.Block(jen.Return(jen.Qual(codecPath, function).Call(jen.Id(arg), jen.Id("p").Dot("fields"))))
	}
	bytes := jen.Index().Byte()
	f.Line().Add(comment("AppendJSON and UnmarshalJSON write and read "+name+" as package codec has it.").
		Add(method()).Id("AppendJSON").Params(jen.Id("dst").Add(bytes)).Params(bytes, jen.Error()).Add(body("Append", "dst")))
	f.Line().Add(method().Id("UnmarshalJSON").Params(jen.Id("data").Add(bytes)).Error().Add(body("Unmarshal", "data")))

	codec := jen.Op("*").Qual(codecPath, "Codec")
	if len(fields) == 0 {
		f.Line().Func().Params(jen.Op("*").Id(name)).Id("fields").Params(codec).Block()
		return
	}
	f.Line().Add(method()).Id("fields").Params(jen.Id("c").Add(codec)).BlockFunc(func(g *jen.Group) {
		for _, field := range fields {
			args := []jen.Code{jen.Id("c"), jen.Lit(field.Key), jen.Op("&").Id("p").Dot(field.Name), value(field.Type, false)}
			if field.Default != nil {
				args = append(args, defaultValue(field))
			}
			g.Qual(codecPath, presence(field)).Call(args...)
		}
	})
}

// presence is the function that says when a field has to be there.
func presence(f *gotypes.Field) string {
	t := f.Type
	switch {
	case f.Default != nil:
		return "Default"
	case !t.Optional:
		return "Required"
	case t.Kind == gotypes.KindMap:
		return "OptionalMap"
	case nilable(t.Kind):
		return "OptionalSlice"
	}
	return "Optional"
}

// element is the value of a list or a map, which is null where it is absent.
func element(t gotypes.Type) *jen.Statement {
	v := value(t, true)
	switch {
	case !t.Optional, t.Kind == gotypes.KindJSON: // which has a null of its own
		return v
	case t.Kind == gotypes.KindMap:
		return jen.Qual(codecPath, "NullableMap").Call(v)
	case nilable(t.Kind):
		return jen.Qual(codecPath, "NullableSlice").Call(v)
	}
	return jen.Qual(codecPath, "Nullable").Call(v)
}

// value is what writes and reads a value that is there. A generic function is
// told its type where nothing else would.
func value(t gotypes.Type, explicit bool) *jen.Statement {
	named := func(name string) *jen.Statement { return jen.Qual(codecPath, name) }
	generic := func(name string) *jen.Statement {
		if explicit {
			return named(name).Types(plainType(t))
		}
		return named(name)
	}
	switch t.Kind {
	case gotypes.KindString:
		return named("String")
	case gotypes.KindBool:
		return named("Bool")
	case gotypes.KindInt:
		return named("Int")
	case gotypes.KindInt32:
		return named("Int32")
	case gotypes.KindInt64:
		return named("Int64")
	case gotypes.KindUint32:
		return named("Uint32")
	case gotypes.KindFloat64:
		return named("Float64")
	case gotypes.KindBytes:
		return named("Bytes")
	case gotypes.KindTime:
		return named("Time")
	case gotypes.KindDuration:
		return named("Duration")
	case gotypes.KindDate, gotypes.KindUUID, gotypes.KindDecimal:
		return generic("Text")
	case gotypes.KindSnowflake:
		return named("Snowflake")
	case gotypes.KindJSON:
		return named("JSON")
	case gotypes.KindList:
		return named("List").Call(element(*t.Elem))
	case gotypes.KindMap:
		return named("Map").Call(element(*t.Elem))
	case gotypes.KindNamed:
		if t.Named.IsEnum {
			return generic("Enum")
		}
		return named("Struct").Call(jen.Parens(jen.Op("*").Id(t.Named.Name)).Dot("fields"))
	}
	return generic("Go")
}
