package codec

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
)

// A PanicError says that a method of a value's type, such as MarshalJSON,
// panicked. Its text leaves the panic's own out, as [RefusedError] does.
type PanicError struct {
	// Value is what the method panicked with.
	Value any
	// Stack is where: functions and lines, without the words that were passed
	// to them, since a payload may be in those.
	Stack []byte
}

func (e *PanicError) Error() string { return "a method of its type panicked" }

// recovered turns a panic of what it is deferred in into an error.
func recovered(err *error) {
	if value := recover(); value != nil {
		*err = &PanicError{Value: value, Stack: stack()}
	}
}

// maxFrames bounds the stack of a method that calls itself without end.
const maxFrames = 100

func stack() []byte {
	var text []byte
	callers := make([]uintptr, maxFrames)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)])
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		text = fmt.Appendf(text, "%s\n\t%s:%d\n", f.Function, f.File, f.Line)
	}
	return text
}

func isPanic(err error) bool {
	_, ok := asError[*PanicError](err)
	return ok
}

// maxUnwraps bounds the chain of errors that is looked through.
const maxUnwraps = 100

// asError is errors.As for the error of a type that somebody else has written: it
// calls no method but Unwrap, which may panic, and which may return the error
// itself.
func asError[T error](err error) (found T, ok bool) {
	defer func() { _ = recover() }()
	for range maxUnwraps {
		if found, ok = err.(T); ok {
			return found, true
		}
		wraps, is := err.(interface{ Unwrap() error })
		if !is {
			break
		}
		err = wraps.Unwrap()
	}
	return found, false
}

// refuse fails with what a type says that did not take its value.
func (c *Codec) refuse(err error) {
	if isPanic(err) {
		c.fail(err)
		return
	}
	c.fail(&RefusedError{err})
}

// appendText calls AppendText, whose author is anybody.
func appendText(v encoding.TextAppender, dst []byte) (out []byte, err error) {
	defer recovered(&err)
	return v.AppendText(dst)
}

// unmarshalText calls UnmarshalText.
func unmarshalText(v encoding.TextUnmarshaler, text []byte) (err error) {
	defer recovered(&err)
	return v.UnmarshalText(text)
}

// panicWriting returns the path of the value in v that panics when encoding/json
// writes it: encoding/json does not say, so each is written alone. A value that
// panics only now and then may lie in itself, so it looks depth levels deep.
func panicWriting(v reflect.Value, depth int) string {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if depth == 0 || !v.IsValid() || marshals(v.Type()) {
		return ""
	}
	panics := func(v reflect.Value) bool {
		if !v.CanInterface() { // a struct that is embedded, whose fields can be had
			return panicWriting(v, depth-1) != ""
		}
		_, err := marshalGo(addressable(v))
		return isPanic(err)
	}
	switch v.Kind() {
	case reflect.Struct:
		for key, value := range jsonFields(v) {
			if panics(value) {
				return joinKey(key, panicWriting(value, depth-1))
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if panics(v.Index(i)) {
				return joinIndex(i, panicWriting(v.Index(i), depth-1))
			}
		}
	case reflect.Map:
		for _, value := range v.Seq2() {
			if panics(value) {
				return joinKey(anyKey, panicWriting(value, depth-1))
			}
		}
	}
	return ""
}

// panicReading returns the path of the value in data that panics when
// encoding/json reads it as a t.
func panicReading(t reflect.Type, data []byte) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if unmarshals(t) {
		return ""
	}
	panics := func(t reflect.Type, data []byte) bool {
		return isPanic(unmarshalGo(data, reflect.New(t).Interface()))
	}
	switch t.Kind() {
	case reflect.Struct:
		var values map[string]json.RawMessage
		if json.Unmarshal(data, &values) != nil {
			return ""
		}
		for i := range t.NumField() {
			f := t.Field(i)
			key, ok := jsonKey(f)
			value, there := values[key]
			if ok && key == "" {
				value, there = data, f.IsExported() // its keys are beside the others
			}
			if ok && there && panics(f.Type, value) {
				return joinKey(key, panicReading(f.Type, value))
			}
		}
	case reflect.Slice, reflect.Array:
		var values []json.RawMessage
		if json.Unmarshal(data, &values) != nil {
			return ""
		}
		for i, value := range values {
			if panics(t.Elem(), value) {
				return joinIndex(i, panicReading(t.Elem(), value))
			}
		}
	case reflect.Map:
		var values map[string]json.RawMessage
		if json.Unmarshal(data, &values) != nil {
			return ""
		}
		for _, value := range values {
			if panics(t.Elem(), value) {
				return joinKey(anyKey, panicReading(t.Elem(), value))
			}
		}
	}
	return ""
}
