package codec

import (
	"encoding"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"sync"
	"time"
)

// Time is a string as RFC 3339 has it, with nanoseconds and the zone's offset.
// RFC 3339 has no seconds in an offset, as many zones had before 1972. A time
// with such an offset is written in UTC, so that the instant stays.
func Time(c *Codec, v *time.Time) {
	if c.writing && hasOddOffset(*v) {
		utc := v.UTC()
		Text(c, &utc)
		return
	}
	Text(c, v)
}

// hasOddOffset reports whether the offset of t has seconds. encoding/json drops
// them, which moves the instant (https://go.dev/issue/39616).
func hasOddOffset(t time.Time) bool {
	_, offset := t.Zone()
	return offset%60 != 0
}

var errOddOffset = errors.New("the offset of the time's zone has seconds, which RFC 3339 cannot hold: use the time in UTC")

var (
	timeType            = reflect.TypeFor[time.Time]()
	jsonMarshalerType   = reflect.TypeFor[json.Marshaler]()
	textMarshalerType   = reflect.TypeFor[encoding.TextMarshaler]()
	jsonUnmarshalerType = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// marshals reports whether t writes itself.
func marshals(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(jsonMarshalerType) || p.Implements(textMarshalerType)
}

// unmarshals reports whether t reads itself.
func unmarshals(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(jsonUnmarshalerType) || p.Implements(textUnmarshalerType)
}

// oddTime finds a time in v, which encoding/json has written, whose offset it
// has cut. What a type writes of itself is its own affair, unless that is what
// the time that it embeds writes.
func oddTime(v reflect.Value, depth int) (path string, found bool) {
	if depth == 0 || !v.IsValid() || !holdsTime(v.Type()) {
		return "", false
	}
	t := v.Type()
	switch {
	case t == timeType:
		return "", v.CanInterface() && hasOddOffset(v.Interface().(time.Time))
	case t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface && marshals(t):
		return "", writesOddTime(v)
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return oddTime(v.Elem(), depth-1)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if path, found := oddTime(v.Index(i), depth-1); found {
				return joinIndex(i, path), true
			}
		}
	case reflect.Map:
		for key, value := range v.Seq2() {
			if _, found := oddTime(key, depth-1); found {
				return "", true
			}
			if path, found := oddTime(value, depth-1); found {
				return joinKey(anyKey, path), true
			}
		}
	case reflect.Struct:
		for f, value := range jsonFields(v) {
			if path, found := oddTime(value, depth-1); found {
				return joinKey(f, path), true
			}
		}
	}
	return "", false
}

// writesOddTime reports whether v writes what a time that it embeds does, and
// that is cut.
func writesOddTime(v reflect.Value) bool {
	if v.Kind() != reflect.Struct || !v.CanInterface() {
		return false
	}
	for i := range v.NumField() {
		value := reflect.Indirect(v.Field(i))
		if !v.Type().Field(i).Anonymous || !value.IsValid() || value.Type() != timeType || !value.CanInterface() {
			continue
		}
		if t := value.Interface().(time.Time); hasOddOffset(t) {
			whole, err := marshalGo(addressable(v))
			embedded, embeddedErr := marshalGo(t)
			return err == nil && embeddedErr == nil && slices.Equal(whole, embedded)
		}
	}
	return false
}

// addressable returns v so that methods with a pointer receiver are found.
func addressable(v reflect.Value) any {
	if v.CanAddr() {
		return v.Addr().Interface()
	}
	return v.Interface()
}

var timeHolders sync.Map // of bool, by reflect.Type

// holdsTime reports whether a value of type t can hold a time that encoding/json
// writes.
func holdsTime(t reflect.Type) bool {
	if known, ok := timeHolders.Load(t); ok {
		return known.(bool)
	}
	holds := findTime(t, make(map[reflect.Type]bool))
	timeHolders.Store(t, holds)
	return holds
}

func findTime(t reflect.Type, seen map[reflect.Type]bool) bool {
	if t == timeType || t.Kind() == reflect.Interface {
		return true
	}
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return findTime(t.Elem(), seen)
	case reflect.Map:
		return findTime(t.Key(), seen) || findTime(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); (f.IsExported() || f.Anonymous) && findTime(f.Type, seen) {
				return true
			}
		}
	}
	return false
}
