package emit

import (
	"math"
	"strconv"
	"time"

	"github.com/dave/jennifer/jen"

	"github.com/jobgen/jobgen/internal/gotypes"
)

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
