package value

import (
	"cmp"
	"database/sql/driver"
	"fmt"
	"time"
)

// A Date is a day of the calendar without a time or a zone: a birthday, a due
// date. Its text, in JSON too, is "2006-01-02". Dates compare with ==; the zero
// value is 1 January of the year 1, as the zero time.Time is.
type Date struct {
	days int64 // since 1 January of the year 1
}

const (
	secondsPerDay = 24 * 60 * 60
	unixDays      = 719162 // from 1 January of the year 1 to that of 1970
)

// NewDate returns a date of the years 1 to 9999, and an error for a day that
// the calendar does not have, such as 30 February.
func NewDate(year int, month time.Month, day int) (Date, error) {
	t := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	if y, m, d := t.Date(); y != year || m != month || d != day || !yearFits(year) {
		return Date{}, fmt.Errorf("date %d-%02d-%02d: there is no such day in the years 1 to 9999", year, int(month), day)
	}
	return DateOf(t), nil
}

// DateOf returns the date of t where t is, in its own location.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{days: time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix()/secondsPerDay + unixDays}
}

// ParseDate reads "2006-01-02", in the years 1 to 9999.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || len(s) != len(time.DateOnly) || !yearFits(t.Year()) {
		return Date{}, fmt.Errorf("date %.40q: a day of the years 1 to 9999, such as 2006-01-02, is needed", s)
	}
	return DateOf(t), nil
}

func yearFits(y int) bool { return y >= 1 && y <= 9999 }

// Date returns the year, the month and the day.
func (d Date) Date() (year int, month time.Month, day int) { return d.In(time.UTC).Date() }

// In returns the moment at which the date begins in loc, or the first after it
// where a change of clocks leaves midnight out.
func (d Date) In(loc *time.Location) time.Time {
	y, m, day := time.Unix((d.days-unixDays)*secondsPerDay, 0).UTC().Date()
	t := time.Date(y, m, day, 0, 0, 0, 0, loc)
	for hour := 1; t.Day() != day && hour < 24; hour++ {
		t = time.Date(y, m, day, hour, 0, 0, 0, loc)
	}
	return t
}

// AddDays returns the date n days later, or earlier where n is negative.
func (d Date) AddDays(n int) Date { return Date{days: d.days + int64(n)} }

// Compare returns -1 when d is before other, 1 when it is after, and else 0.
func (d Date) Compare(other Date) int { return cmp.Compare(d.days, other.days) }

// Equal reports whether d and other are the same day, as == does.
func (d Date) Equal(other Date) bool { return d == other }

// IsZero reports whether d is the zero value.
func (d Date) IsZero() bool { return d == Date{} }

// String returns the date as "2006-01-02".
func (d Date) String() string { return d.In(time.UTC).Format(time.DateOnly) }

// MarshalText returns the date as "2006-01-02". A date that came out of DateOf
// or AddDays beyond the years 1 to 9999 is an error.
func (d Date) MarshalText() ([]byte, error) { return d.AppendText(nil) }

// AppendText is MarshalText into the space that b has left.
func (d Date) AppendText(b []byte) ([]byte, error) {
	if y, _, _ := d.Date(); !yearFits(y) {
		return nil, fmt.Errorf("date %v: the year is outside 1 to 9999", d)
	}
	return d.In(time.UTC).AppendFormat(b, time.DateOnly), nil
}

// UnmarshalText is ParseDate.
func (d *Date) UnmarshalText(text []byte) error {
	parsed, err := ParseDate(string(text))
	if err == nil {
		*d = parsed
	}
	return err
}

// Value gives database/sql the date as text, which a date column takes.
func (d Date) Value() (driver.Value, error) {
	text, err := d.MarshalText()
	return string(text), err
}

// Scan reads a date column, or text.
func (d *Date) Scan(src any) error {
	switch v := src.(type) {
	case time.Time:
		*d = DateOf(v)
		return nil
	case string:
		return d.UnmarshalText([]byte(v))
	case []byte:
		return d.UnmarshalText(v)
	}
	return scanError(src, "Date")
}

func scanError(src any, into string) error {
	return fmt.Errorf("scan: a %T does not fit a value.%s", src, into)
}
