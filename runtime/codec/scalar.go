package codec

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Bool is true or false.
func Bool(c *Codec, v *bool) {
	switch {
	case c.writing:
		c.data = strconv.AppendBool(c.data, *v)
	case c.literal("true"):
		*v = true
	case c.literal("false"):
		*v = false
	default:
		c.mismatch("a bool")
	}
}

// Int is a number without fraction or exponent, as are the others of its kind.
func Int(c *Codec, v *int) { integer(c, v, "a Go int") }

// Int32 is a number from -2147483648 to 2147483647.
func Int32(c *Codec, v *int32) { integer(c, v, "a Go int32") }

// Int64 is a number of 64 bits with a sign.
func Int64(c *Codec, v *int64) { integer(c, v, "a Go int64") }

// Uint32 is a number from 0 to 4294967295.
func Uint32(c *Codec, v *uint32) {
	if c.writing {
		c.data = strconv.AppendUint(c.data, uint64(*v), 10)
		return
	}
	text := c.integerText()
	if c.err != nil {
		return
	}
	n, err := strconv.ParseUint(string(text), 10, 32)
	if err != nil {
		c.fail(misfit("a Go uint32"))
		return
	}
	*v = uint32(n)
}

// Duration is a number of nanoseconds.
func Duration(c *Codec, v *time.Duration) { integer(c, v, "a duration in nanoseconds") }

func integer[T ~int | ~int32 | ~int64](c *Codec, v *T, what string) {
	if c.writing {
		c.data = strconv.AppendInt(c.data, int64(*v), 10)
		return
	}
	text := c.integerText()
	if c.err != nil {
		return
	}
	n, ok := parseInt(text)
	if !ok || int64(T(n)) != n {
		c.fail(misfit(what))
		return
	}
	*v = T(n)
}

// integerText reads a number that has to be an integer.
func (c *Codec) integerText() []byte {
	if b := c.peek(); b != '-' && !isDigit(b) {
		c.mismatch("a number")
		return nil
	}
	text, whole := c.number()
	if c.err == nil && !whole {
		c.fail(misfit("an integer"))
	}
	return text
}

func misfit(what string) error {
	return fmt.Errorf("the number does not fit %s", what)
}

// parseInt reads digits with an optional minus sign.
func parseInt(text []byte) (n int64, ok bool) {
	digits := text
	if len(text) > 0 && text[0] == '-' {
		digits = text[1:]
	}
	if len(digits) > 18 { // it may not fit
		n, err := strconv.ParseInt(string(text), 10, 64)
		return n, err == nil
	}
	for _, b := range digits {
		if !isDigit(b) {
			return 0, false
		}
		n = n*10 + int64(b-'0')
	}
	if len(digits) < len(text) {
		n = -n
	}
	return n, len(digits) > 0
}

// Float64 is a number. NaN and the infinities, which JSON lacks, are errors.
func Float64(c *Codec, v *float64) {
	if c.writing {
		c.appendFloat(*v)
		return
	}
	if b := c.peek(); b != '-' && !isDigit(b) {
		c.mismatch("a number")
		return
	}
	text, _ := c.number()
	if c.err != nil {
		return
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		c.fail(misfit("a Go float64"))
		return
	}
	*v = f
}

// appendFloat writes f in the form that encoding/json and ECMAScript use.
func (c *Codec) appendFloat(f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		c.fail(fmt.Errorf("JSON cannot represent the number %v", f))
		return
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	c.data = strconv.AppendFloat(c.data, f, format, -1, 64)
	if n := len(c.data); format == 'e' && string(c.data[n-4:n-1]) == "e-0" {
		c.data = append(c.data[:n-2], c.data[n-1]) // e-07 is written e-7
	}
}
