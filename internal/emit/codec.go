package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/jobgen/jobgen/internal/gotypes"
)

// codecCode adds the method by which package codec writes and reads the struct
// name.
func codecCode(f *jen.File, name string, fields []*gotypes.Field) {
	doc := comment("JSONFields is how package codec writes and reads " + name + ".")
	codec := jen.Op("*").Qual(codecPath, "Codec")
	if len(fields) == 0 {
		f.Line().Add(doc.Func().Params(jen.Op("*").Id(name)).Id("JSONFields").Params(codec).Block())
		return
	}
	f.Line().Add(doc.Func().Params(jen.Id("p").Op("*").Id(name)).Id("JSONFields").Params(jen.Id("c").Add(codec)).BlockFunc(func(g *jen.Group) {
		for _, field := range fields {
			function, what := visitor(field)
			args := []jen.Code{jen.Id("c"), jen.Lit(field.Key), jen.Op("&").Id("p").Dot(field.Name), what}
			if field.Default != nil {
				args = append(args, defaultValue(field.Default))
			}
			g.Qual(codecPath, function).Call(args...)
		}
	}))
}

// visitor is the function that says when a field has to be there, and what it
// takes to write and read the field, or the elements of a list or a map.
func visitor(f *gotypes.Field) (function string, what *jen.Statement) {
	t := f.Type
	presence := "Required"
	if t.Optional {
		presence = "Optional"
	}
	switch {
	case f.Default != nil:
		return "Default", value(t, false)
	case t.Kind == gotypes.KindList:
		return presence + "List", element(*t.Elem, false)
	case t.Kind == gotypes.KindMap:
		return presence + "Map", element(*t.Elem, false)
	case t.Optional && t.Nilable():
		return "OptionalSlice", value(t, false)
	}
	return presence, value(t, false)
}

// element is the value of a list or a map, which is null where it is absent.
func element(t gotypes.Type, explicit bool) *jen.Statement {
	v := value(t, explicit || t.Optional)
	switch {
	case !t.Optional, t.Kind == gotypes.KindBuiltin && t.Builtin.Any: // which has a null of its own
		return v
	case t.Kind == gotypes.KindMap:
		return jen.Qual(codecPath, "NullableMap").Call(v)
	case t.Nilable():
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
	case gotypes.KindBuiltin:
		if t.Builtin.Generic {
			return generic(t.Builtin.Codec)
		}
		return named(t.Builtin.Codec)
	case gotypes.KindList:
		return named("List").Call(element(*t.Elem, true))
	case gotypes.KindMap:
		return named("Map").Call(element(*t.Elem, true))
	case gotypes.KindNamed:
		if t.Named.IsEnum {
			return generic("Enum")
		}
		return named("Struct").Call(jen.Parens(jen.Op("*").Id(t.Named.Name)).Dot("JSONFields"))
	}
	return generic("Go")
}
