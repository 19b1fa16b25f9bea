package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/jobgen/jobgen/internal/gotypes"
)

// typesCode returns the file of the types that the jobs share.
func typesCode(pkg *gotypes.Package) *jen.File {
	var fields []*gotypes.Field
	for _, t := range pkg.Types {
		fields = append(fields, t.Fields...)
	}
	f := newFile(pkg, fields...)
	for i, t := range pkg.Types {
		if i > 0 {
			f.Line()
		}
		if t.IsEnum {
			enumCode(f, t)
			continue
		}
		structCode(f, t)
	}
	return f
}

// structCode adds a struct.
func structCode(f *jen.File, t *gotypes.Named) {
	f.Add(comment(named(t.Name, t.Doc)).Type().Id(t.Name).Add(structType(t.Fields)))
	codecCode(f, t.Name, t.Fields)
}

// enumCode adds a string enum.
//
// Writing is strict and reading is not: a value that is none of the constants
// is refused before it is stored, but one that a newer version of the program
// stored is kept as it is, for the handler to decide on.
func enumCode(f *jen.File, t *gotypes.Named) {
	f.Add(comment(named(t.Name, t.Doc)).Type().Id(t.Name).String())

	values := make([]jen.Code, len(t.Enum))
	if len(t.Enum) > 0 {
		f.Line().Add(comment("The values of " + t.Name + ".")).Const().DefsFunc(func(g *jen.Group) {
			for i, v := range t.Enum {
				values[i] = jen.Id(v.Name)
				g.Add(comment(v.Doc).Id(v.Name).Id(t.Name).Op("=").Lit(v.Value))
			}
		})
	}

	self := jen.Id("v").Id(t.Name)
	f.Line().Add(comment("Valid reports whether v is one of the constants.").
		Func().Params(self).Id("Valid").Params().Bool().
		BlockFunc(func(g *jen.Group) {
			if len(values) > 0 {
				g.Switch(jen.Id("v")).Block(jen.Case(values...).Block(jen.Return(jen.True())))
			}
			g.Return(jen.False())
		}))
	f.Line().Add(comment(`MarshalText refuses what is not Valid, so that it is never stored. Reading keeps
a value that only a newer version knows, so check Valid where it matters.`).
		Func().Params(self).Id("MarshalText").Params().Params(jen.Index().Byte(), jen.Error()).
		Block(jen.Return(jen.Qual(codecPath, "MarshalEnum").Call(jen.Id("v"), jen.Id("v").Dot("Valid").Call()))))
}
