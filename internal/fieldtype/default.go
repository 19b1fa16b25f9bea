package fieldtype

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Literal is a value that a file holds, as it is written there.
type Literal struct {
	Kind   LiteralKind
	Text   string // without quotes
	Quoted bool
}

// LiteralKind says what YAML takes a literal for.
type LiteralKind int

// The kinds of literals.
const (
	Other LiteralKind = iota // null, a list, a mapping
	Text
	Integer
	Number
	Bool
)

func text(l Literal) (any, string) {
	switch {
	case l.Kind != Text:
		return nil, "write it in quotes"
	case strings.ContainsRune(l.Text, 0):
		return nil, "no database stores a NUL character"
	}
	return l.Text, ""
}

func boolean(l Literal) (any, string) {
	if l.Kind != Bool {
		return nil, "write true or false"
	}
	return strings.EqualFold(l.Text, "true"), ""
}

func duration(l Literal) (any, string) {
	d, err := time.ParseDuration(l.Text)
	if l.Kind != Text || err != nil {
		return nil, "write a time with its unit, such as 30s, 1m30s or 2h"
	}
	return d, ""
}

// decimal is a number as everybody reads it: without a leading zero, which some
// take for octal.
var decimal = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

func float(l Literal) (any, string) {
	// The parser of YAML takes 1e3 for text.
	isNumber := l.Kind == Integer || l.Kind == Number || l.Kind == Text && !l.Quoted
	if v, err := strconv.ParseFloat(l.Text, 64); err == nil && isNumber && decimal.MatchString(l.Text) {
		return v, ""
	}
	return nil, "write a number"
}

func integer(low, high int64) func(Literal) (any, string) {
	return func(l Literal) (any, string) {
		v, err := strconv.ParseInt(l.Text, 10, 64)
		if l.Kind == Integer && decimal.MatchString(l.Text) && err == nil && v >= low && v <= high {
			return v, ""
		}
		return nil, fmt.Sprintf("write a whole number from %d to %d", low, high)
	}
}
