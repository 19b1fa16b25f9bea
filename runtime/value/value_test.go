package value_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/jobgen/jobgen/runtime/value"
)

func TestDateTextRoundTrips(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"0001-01-01", "1582-10-15", "1600-02-29", "1969-12-31", "1970-01-01", "2024-02-29", "9999-12-31"} {
		d, err := value.ParseDate(text)
		if err != nil {
			t.Fatal(err)
		}
		if d.String() != text {
			t.Errorf("ParseDate(%q).String() = %q", text, d)
		}
		y, m, day := d.Date()
		if again, err := value.NewDate(y, m, day); err != nil || again != d {
			t.Errorf("NewDate(%d, %d, %d) = %v, %v; want %v", y, m, day, again, err, d)
		}
	}
}

func TestDateRefusesWhatIsNoDay(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "2023-02-29", "2023-13-01", "2023-00-10", "2023-1-1", "0000-01-01", "-001-01-01", "10000-01-01",
		"2023-01-01T00:00:00Z", " 2023-01-01", "2023/01/01", "2023-01-32", strings.Repeat("9", 1<<16),
	} {
		if d, err := value.ParseDate(text); err == nil {
			t.Errorf("ParseDate(%.40q) = %v, want an error", text, d)
		} else if len(err.Error()) > 200 {
			t.Errorf("the error for %.40q has %d bytes", text, len(err.Error()))
		}
	}
	for _, day := range [][3]int{{2023, 2, 30}, {0, 1, 1}, {10000, 1, 1}, {2023, 13, 1}, {2023, 1, 0}} {
		if d, err := value.NewDate(day[0], time.Month(day[1]), day[2]); err == nil {
			t.Errorf("NewDate(%v) = %v, want an error", day, d)
		}
	}
}

func TestDateCountsDays(t *testing.T) {
	t.Parallel()
	if (value.Date{}).String() != "0001-01-01" || !(value.Date{}).IsZero() {
		t.Errorf("the zero date is %v", value.Date{})
	}
	tomorrow := value.DateOf(time.Date(2024, 2, 28, 23, 59, 0, 0, time.FixedZone("", 9*3600))).AddDays(1)
	if tomorrow.String() != "2024-02-29" || tomorrow.AddDays(-1).Compare(tomorrow) != -1 || tomorrow.Compare(tomorrow.AddDays(-1)) != 1 {
		t.Errorf("tomorrow is %v", tomorrow)
	}
	if !tomorrow.Equal(tomorrow.AddDays(0)) || tomorrow.Compare(tomorrow) != 0 {
		t.Error("a date is not itself")
	}
	beyond := value.DateOf(time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)).AddDays(1)
	if text, err := beyond.MarshalText(); err == nil {
		t.Errorf("the year 10000 is marshalled as %s", text)
	}
	before := value.Date{}.AddDays(-1)
	if v, err := before.Value(); err == nil {
		t.Errorf("a date before the year 1 has the value %v", v)
	}
}

func TestDateBeginsWhereMidnightIsLeftOut(t *testing.T) {
	t.Parallel()
	loc, err := time.LoadLocation("America/Sao_Paulo") // clocks went from 0:00 to 1:00
	if err != nil {
		t.Fatal(err)
	}
	d, err := value.NewDate(2018, time.November, 4)
	if err != nil {
		t.Fatal(err)
	}
	if at := d.In(loc); at.Day() != 4 || at.Hour() != 1 || value.DateOf(at) != d {
		t.Errorf("%v begins at %v", d, at)
	}
}

func TestUUIDTextIsCanonical(t *testing.T) {
	t.Parallel()
	const text = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
	for _, s := range []string{text, strings.ToUpper(text)} {
		u, err := value.ParseUUID(s)
		if err != nil {
			t.Fatal(err)
		}
		if u.String() != text || u[0] != 0xf8 || u[15] != 0xf6 || u.IsZero() {
			t.Errorf("ParseUUID(%q) = %v", s, u)
		}
	}
	for _, s := range []string{
		"", text[:35], text + "0", "{" + text + "}", "urn:uuid:" + text, strings.ReplaceAll(text, "-", ""),
		strings.Replace(text, "f", "g", 1), strings.Replace(text, "-", "0", 1), "f81d4fae7-dec-11d0-a765-00a0c91e6bf6",
		strings.Repeat("é", 18),
	} {
		if u, err := value.ParseUUID(s); err == nil {
			t.Errorf("ParseUUID(%q) = %v, want an error", s, u)
		}
	}
	if (value.UUID{}).String() != "00000000-0000-0000-0000-000000000000" || !(value.UUID{}).IsZero() {
		t.Errorf("the zero UUID is %v", value.UUID{})
	}
}

func TestDecimalKeepsItsDigits(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "0.00": "0.00", "-0.00": "0.00", "12.50": "12.50", "-3": "-3", "0.001": "0.001", "-0.5": "-0.5",
		"123456789012345678901234567890.123456789": "123456789012345678901234567890.123456789",
	} {
		d, err := value.ParseDecimal(in)
		if err != nil {
			t.Fatal(err)
		}
		if d.String() != want {
			t.Errorf("ParseDecimal(%q) = %v, want %s", in, d, want)
		}
	}
	for _, s := range []string{
		"", "-", ".", "1.", ".5", "-.5", "+1", "1e3", "1E3", "01", "00", "-01.5", "1.2.3", "1,5", " 1", "1 ", "NaN", "Inf", "0x1", "1_000", "١",
		"--1", "1.-2", strings.Repeat("9", value.MaxDecimalSize+1),
	} {
		if d, err := value.ParseDecimal(s); err == nil {
			t.Errorf("ParseDecimal(%.40q) = %v, want an error", s, d)
		}
	}
}

func TestDecimalOfUnits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		units int64
		scale uint8
		want  string
	}{
		{0, 0, "0"},
		{0, 2, "0.00"},
		{1250, 2, "12.50"},
		{5, 3, "0.005"},
		{-5, 1, "-0.5"},
		{-1250, 0, "-1250"},
		{math.MinInt64, 0, "-9223372036854775808"},
		{math.MinInt64, 19, "-0.9223372036854775808"},
		{100, 2, "1.00"},
	} {
		d := value.NewDecimal(c.units, c.scale)
		if d.String() != c.want {
			t.Errorf("NewDecimal(%d, %d) = %v, want %s", c.units, c.scale, d, c.want)
		}
		if again, err := value.ParseDecimal(d.String()); err != nil || again != d {
			t.Errorf("%v reads back as %v, %v", d, again, err)
		}
	}
	if one, same := value.NewDecimal(15, 1), value.NewDecimal(150, 2); one == same || !one.Equal(same) || one.Equal(value.Decimal{}) {
		t.Errorf("%v and %v: want one number in two texts", one, same)
	}
	if !value.NewDecimal(0, 0).IsZero() || value.NewDecimal(-3, 0).Rat().Sign() != -1 {
		t.Error("a number has another value than its text")
	}
}

func TestValuesRoundTripAsJSON(t *testing.T) {
	t.Parallel()
	type all struct {
		Date    value.Date            `json:"date"`
		UUID    value.UUID            `json:"uuid"`
		Decimal value.Decimal         `json:"decimal"`
		None    *value.Date           `json:"none,omitempty"`
		ByDate  map[value.Date]string `json:"by_date"`
	}
	const text = `{"date":"2006-01-02","uuid":"f81d4fae-7dec-11d0-a765-00a0c91e6bf6","decimal":"12.50","by_date":{"2006-01-02":"x"}}`
	var v all
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if string(out) != text {
		t.Errorf("got  %s\nwant %s", out, text)
	}
	for _, bad := range []string{`{"date":"x"}`, `{"date":1}`, `{"uuid":"x"}`, `{"decimal":"x"}`, `{"decimal":1.5}`} {
		kept := v
		if err := json.Unmarshal([]byte(bad), &kept); err == nil {
			t.Errorf("%s: no error", bad)
		}
		if kept.Date != v.Date || kept.UUID != v.UUID || kept.Decimal != v.Decimal {
			t.Errorf("%s changed the value it was not read into", bad)
		}
	}
}

func TestValuesRoundTripThroughSQL(t *testing.T) {
	t.Parallel()
	date := value.DateOf(time.Date(2006, 1, 2, 15, 4, 5, 0, time.UTC))
	uuid := value.UUID{0: 0xf8, 15: 0x01}
	decimal := value.NewDecimal(1250, 2)
	scan := func(into interface{ Scan(any) error }, src any) string {
		if err := into.Scan(src); err != nil {
			return err.Error()
		}
		return fmt.Sprint(into)
	}
	for _, v := range []any{"2006-01-02", []byte("2006-01-02"), time.Date(2006, 1, 2, 0, 0, 0, 0, time.UTC), must(date.Value())} {
		if got := scan(new(value.Date), v); got != "2006-01-02" {
			t.Errorf("scan %v: %s", v, got)
		}
	}
	for _, v := range []any{uuid.String(), []byte(uuid.String()), uuid[:], [16]byte(uuid), must(uuid.Value())} {
		if got := scan(new(value.UUID), v); got != uuid.String() {
			t.Errorf("scan %v: %s", v, got)
		}
	}
	for _, v := range []any{"12.50", []byte("12.50"), must(decimal.Value())} {
		if got := scan(new(value.Decimal), v); got != "12.50" {
			t.Errorf("scan %v: %s", v, got)
		}
	}
	if got := scan(new(value.Decimal), int64(-7)); got != "-7" {
		t.Errorf("scan an integer: %s", got)
	}
	for _, into := range []interface{ Scan(any) error }{new(value.Date), new(value.UUID), new(value.Decimal)} {
		for _, v := range []any{nil, 1.5, "nonsense", []byte("nonsense"), true} {
			if err := into.Scan(v); err == nil {
				t.Errorf("%T scans %v", into, v)
			}
		}
	}
}

func must(v any, err error) any {
	if err != nil {
		return err
	}
	return v
}
