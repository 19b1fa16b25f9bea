package emit

import (
	"math"
	"strconv"
	"time"

	"github.com/dave/jennifer/jen"

	"github.com/jobgen/jobgen/internal/gotypes"
)

// defaultValue returns the default of a field as Go writes it.
func defaultValue(d *gotypes.Default) *jen.Statement {
	if d.Const != "" {
		return jen.Id(d.Const)
	}
	switch v := d.Value.(type) {
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return jen.Op(strconv.FormatFloat(v, 'f', -1, 64))
		}
		return jen.Op(strconv.FormatFloat(v, 'g', -1, 64))
	case int64: // which is not written with its type
		return jen.Op(strconv.FormatInt(v, 10))
	case time.Duration:
		return duration(v)
	}
	return jen.Lit(d.Value)
}
