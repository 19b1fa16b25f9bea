package value

import (
	"database/sql/driver"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// MaxDecimalSize is how many characters the text of a [Decimal] may have.
const MaxDecimalSize = 1000

// A Decimal is an exact decimal number, an amount of money for one. It keeps
// its text, in JSON a string, digit for digit: "12.50" stays "12.50". It does
// no arithmetic; see Rat. The zero value is "0".
//
// == compares the text and Equal the number: "1.5" and "1.50" differ by == and
// are Equal.
type Decimal struct {
	text string // empty for "0"
}

// NewDecimal returns units × 10^-scale: NewDecimal(1250, 2) is 12.50.
func NewDecimal(units int64, scale uint8) Decimal {
	digits, negative := strings.CutPrefix(strconv.FormatInt(units, 10), "-")
	if missing := int(scale) + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	if scale > 0 {
		point := len(digits) - int(scale)
		digits = digits[:point] + "." + digits[point:]
	}
	return newDecimal(digits, negative)
}

// ParseDecimal reads digits with an optional minus sign and fraction: "12.50",
// "-3", "0.001". An exponent, a plus sign, a needless leading zero, a point
// without digits on both sides and more than [MaxDecimalSize] characters are
// errors. "-0" becomes "0".
func ParseDecimal(s string) (Decimal, error) {
	if len(s) > MaxDecimalSize {
		return Decimal{}, fmt.Errorf("decimal of %d characters: more than the %d it may have", len(s), MaxDecimalSize)
	}
	unsigned, negative := strings.CutPrefix(s, "-")
	whole, fraction, point := strings.Cut(unsigned, ".")
	if !allDigits(whole) || (point && !allDigits(fraction)) || (len(whole) > 1 && whole[0] == '0') {
		return Decimal{}, fmt.Errorf("decimal %.60q: digits such as 12.50 or -3 are needed", s)
	}
	return newDecimal(unsigned, negative), nil
}

func newDecimal(unsigned string, negative bool) Decimal {
	switch {
	case unsigned == "0":
		return Decimal{}
	case negative && strings.Trim(unsigned, "0.") != "":
		return Decimal{text: "-" + unsigned}
	}
	return Decimal{text: unsigned}
}

func allDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// String returns the text, in digits.
func (d Decimal) String() string {
	if d.text == "" {
		return "0"
	}
	return d.text
}

// Rat returns the number for arithmetic, exactly.
func (d Decimal) Rat() *big.Rat {
	r, _ := new(big.Rat).SetString(d.String()) // always a number
	return r
}

// Equal reports whether d and other are the same number.
func (d Decimal) Equal(other Decimal) bool { return d == other || d.Rat().Cmp(other.Rat()) == 0 }

// IsZero reports whether d is the zero value, the text "0".
func (d Decimal) IsZero() bool { return d == Decimal{} }

// MarshalText returns the text; the error is nil.
func (d Decimal) MarshalText() ([]byte, error) { return d.AppendText(nil) }

// AppendText is MarshalText into the space that b has left.
func (d Decimal) AppendText(b []byte) ([]byte, error) { return append(b, d.String()...), nil }

// UnmarshalText is ParseDecimal.
func (d *Decimal) UnmarshalText(text []byte) error {
	parsed, err := ParseDecimal(string(text))
	if err == nil {
		*d = parsed
	}
	return err
}

// Value gives database/sql the text, which a numeric column takes.
func (d Decimal) Value() (driver.Value, error) { return d.String(), nil }

// Scan reads a numeric column that arrives as text, text itself, or an
// integer. A float is refused, since it is not exact.
func (d *Decimal) Scan(src any) error {
	switch v := src.(type) {
	case string:
		return d.UnmarshalText([]byte(v))
	case []byte:
		return d.UnmarshalText(v)
	case int64:
		*d = NewDecimal(v, 0)
		return nil
	}
	return scanError(src, "Decimal")
}
