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
	if t.Optional && !nilable(t.Kind) {
		return jen.Op("*").Add(plainType(t))
	}
	return plainType(t)
}

// nilable says which kinds are absent as nil and need no pointer for it.
func nilable(k gotypes.Kind) bool {
	switch k {
	case gotypes.KindList, gotypes.KindMap, gotypes.KindBytes, gotypes.KindJSON:
		return true
	}
	return false
}

func plainType(t gotypes.Type) *jen.Statement {
	switch t.Kind {
	case gotypes.KindString:
		return jen.String()
	case gotypes.KindBool:
		return jen.Bool()
	case gotypes.KindInt:
		return jen.Int()
	case gotypes.KindInt32:
		return jen.Int32()
	case gotypes.KindInt64:
		return jen.Int64()
	case gotypes.KindUint32:
		return jen.Uint32()
	case gotypes.KindFloat64:
		return jen.Float64()
	case gotypes.KindBytes:
		return jen.Index().Byte()
	case gotypes.KindTime:
		return jen.Qual("time", "Time")
	case gotypes.KindDuration:
		return jen.Qual("time", "Duration")
	case gotypes.KindDate:
		return jen.Qual(valuePath, "Date")
	case gotypes.KindUUID:
		return jen.Qual(valuePath, "UUID")
	case gotypes.KindSnowflake:
		return jen.Qual(snowflakePath, "ID")
	case gotypes.KindDecimal:
		return jen.Qual(valuePath, "Decimal")
	case gotypes.KindJSON:
		return jen.Qual("encoding/json", "RawMessage")
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
			case f.Type.Optional && nilable(f.Type.Kind):
				tag += ",omitzero"
			case f.Type.Optional:
				tag += ",omitempty"
			}
			field := jen.Id(f.Name).Add(goType(f.Type)).Tag(map[string]string{"json": tag})
			g.Add(comment(fieldDoc(f)).Add(field))
		}
	})
}
