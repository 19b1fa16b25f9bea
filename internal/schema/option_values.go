package schema

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/yaml"
)

// A ValueKind says what values an option can have: a [Whole] or a [Duration].
type ValueKind interface {
	// String returns a value as a person reads it.
	String(value any) string
	// Less reports whether a is a lower value than b.
	Less(a, b any) bool

	read(b *builder, e yaml.Entry) (any, bool)
}

// Whole is a whole number, an int64 from Low to High, or a word.
type Whole struct {
	Low, High int64
	// Word stands for WordValue, which is more than High; "" for none.
	Word      string
	WordValue int64
}

// String returns the digits, or the word.
func (w Whole) String(value any) string {
	if w.isWord(value) {
		return w.Word
	}
	return fmt.Sprint(value)
}

func (w Whole) isWord(value any) bool { return w.Word != "" && value == w.WordValue }

// Less compares numbers; the word is more than all.
func (w Whole) Less(a, b any) bool {
	switch {
	case w.isWord(a):
		return false
	case w.isWord(b):
		return true
	}
	return a.(int64) < b.(int64)
}

func (w Whole) read(b *builder, e yaml.Entry) (any, bool) {
	or := ""
	if w.Word != "" {
		if s, ok := e.Value.(*ast.StringNode); ok && s.Value == w.Word {
			return w.WordValue, true
		}
		or = ", or " + w.Word
	}
	return b.integer(e, diagnostic.BadOption, w.Low, w.High, e.Key.Value, or)
}

// Duration is a time above zero in whole microseconds, a time.Duration.
type Duration struct{}

// String returns the time as Go writes it.
func (Duration) String(value any) string { return value.(time.Duration).String() }

// Less compares times.
func (Duration) Less(a, b any) bool { return a.(time.Duration) < b.(time.Duration) }

func (Duration) read(b *builder, e yaml.Entry) (any, bool) {
	write := "write a time above zero with its unit, such as 30s, 1m30s or 2h"
	name := e.Key.Value
	if yaml.Reported(e.Value) {
		return nil, false
	}
	s, ok := e.Value.(*ast.StringNode)
	if number, whole := e.Value.(*ast.IntegerNode); whole {
		write = fmt.Sprintf("write its unit too, as in %ss", number.GetToken().Value)
	}
	if !ok {
		b.Mistakes.Add(yaml.Start(e.Value), diagnostic.BadOption, "%s is %s: %s", name, yaml.Kind(e.Value), write)
		return nil, false
	}
	d, err := time.ParseDuration(s.Value)
	days, isDays := strings.CutSuffix(s.Value, "d")
	if n, err := strconv.Atoi(days); isDays && err == nil && n > 0 && n < 100_000 {
		write = fmt.Sprintf("write days in hours, %dh", n*24)
	}
	switch {
	case err != nil:
		b.Mistakes.Add(yaml.Start(s), diagnostic.BadOption, "%s is %q: %s", name, s.Value, write)
	case d <= 0:
		b.Mistakes.Add(yaml.Start(s), diagnostic.BadOption, "%s is %s, which leaves no time: %s", name, s.Value, write)
	case d%time.Microsecond != 0:
		b.Mistakes.Add(yaml.Start(s), diagnostic.BadOption, "%s is %s, finer than the microseconds that are stored: round it", name, s.Value)
	default:
		return d, true
	}
	return nil, false
}

// integer reads a whole number in decimal digits, from low to high.
func (b *builder) integer(e yaml.Entry, rule *diagnostic.Rule, low, high int64, what, or string) (int64, bool) {
	if yaml.Reported(e.Value) {
		return 0, false
	}
	if number, ok := e.Value.(*ast.IntegerNode); ok {
		text := strings.ReplaceAll(number.GetToken().Value, "_", "")
		n, err := strconv.ParseInt(text, 10, 64)
		leadingZero := len(strings.TrimLeft(text, "+-")) > 1 && strings.TrimLeft(text, "+-")[0] == '0'
		if err == nil && n >= low && n <= high && !leadingZero {
			return n, true
		}
	}
	if s, ok := e.Value.(*ast.StringNode); ok {
		if n, err := strconv.ParseInt(s.Value, 10, 64); err == nil && n >= low && n <= high {
			b.Mistakes.Add(yaml.Start(s), rule, "%s is the text %q: remove the quotes", what, s.Value)
			return 0, false
		}
	}
	b.Mistakes.Add(yaml.Start(e.Value), rule, "%s is %s: write a whole number from %d to %d%s", what, yaml.Kind(e.Value), low, high, or)
	return 0, false
}
