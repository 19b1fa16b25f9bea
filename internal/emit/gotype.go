package emit

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/dave/jennifer/jen"

	"github.com/jobgen/jobgen/internal/gotypes"
)

// goType returns t as Go writes it.
func goType(t gotypes.Type) *jen.Statement {
	if t.Optional && !t.Nilable() {
		return jen.Op("*").Add(plainType(t))
	}
	return plainType(t)
}

func plainType(t gotypes.Type) *jen.Statement {
	switch t.Kind {
	case gotypes.KindBuiltin:
		if t.Builtin.Import == "" {
			return jen.Op(t.Builtin.Go)
		}
		return jen.Qual(t.Builtin.Import, t.Builtin.Go)
	case gotypes.KindList:
		return jen.Index().Add(goType(*t.Elem))
	case gotypes.KindMap:
		return jen.Map(jen.String()).Add(goType(*t.Elem))
	case gotypes.KindNamed:
		return jen.Id(t.Named.Name)
	case gotypes.KindImported:
		return jen.Qual(t.Import, t.Name)
	}
	return jen.Op(fmt.Sprintf("<kind %d>", t.Kind)) // no Go, so Files returns an error
}

// checkKeys returns an error for a field whose key a json tag cannot hold, so
// that encoding/json would silently take another name or leave the field out.
func checkKeys(fields []*gotypes.Field) error {
	for _, f := range fields {
		bad := f.Key == "" || f.Key == "-" || strings.ContainsFunc(f.Key, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r)
		})
		if bad {
			return fmt.Errorf("field %s: the key %q cannot be the name in a json tag", f.Name, f.Key)
		}
	}
	return nil
}

// fieldDoc returns the doc comment of a field.
func fieldDoc(f *gotypes.Field) string {
	if f.Deprecated == "" {
		return f.Doc
	}
	return paragraphs(f.Doc, "Deprecated: "+f.Deprecated)
}

// structType returns the struct of fields with their docs and JSON tags.
//
// An absent optional is left out with omitzero where it is a slice or a map,
// since omitempty would leave out an empty one too.
func structType(fields []*gotypes.Field) *jen.Statement {
	if len(fields) == 0 {
		return jen.Struct()
	}
	return jen.StructFunc(func(g *jen.Group) {
		for _, f := range fields {
			tag := f.Key
			switch {
			case f.Type.Optional && f.Type.Nilable():
				tag += ",omitzero"
			case f.Type.Optional:
				tag += ",omitempty"
			}
			field := jen.Id(f.Name).Add(goType(f.Type)).Tag(map[string]string{"json": tag})
			g.Add(comment(fieldDoc(f)).Add(field))
		}
	})
}
