package codec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"strings"
	"sync"
)

// maxKept is the size of the largest buffer that is kept for another value, or
// one large value would be held for good.
const maxKept = 64 << 10

// maxLook is how deep a value is looked into that encoding/json has written or
// failed to write. What is deeper is not found.
const maxLook = 4 * MaxDepth

var encoders = sync.Pool{New: func() any {
	e := &encoder{}
	e.json = json.NewEncoder(&e.buf)
	e.json.SetEscapeHTML(false)
	return e
}}

type encoder struct {
	buf  bytes.Buffer
	json *json.Encoder
}

// encode returns the JSON that encoding/json makes of v, which is good until
// release. An encoder that has failed repeats its error, and is not released.
func (e *encoder) encode(v any) (data []byte, err error) {
	defer recovered(&err)
	e.buf.Reset()
	if err := e.json.Encode(v); err != nil {
		_ = err.Error() // which may panic, and is called here so that nobody else meets that
		return nil, err
	}
	return bytes.TrimSuffix(e.buf.Bytes(), []byte("\n")), nil
}

func (e *encoder) release() {
	if e.buf.Cap() <= maxKept {
		encoders.Put(e)
	}
}

// marshalGo returns the JSON of v.
func marshalGo(v any) ([]byte, error) {
	e := encoders.Get().(*encoder)
	data, err := e.encode(v)
	if err != nil {
		return nil, err
	}
	data = bytes.Clone(data)
	e.release()
	return data, nil
}

// writeGo writes what encoding/json makes of v, a pointer.
func writeGo(c *Codec, v any) {
	e := encoders.Get().(*encoder)
	data, err := e.encode(v)
	if err != nil {
		c.fail(err)
		if isPanic(err) {
			c.path = panicWriting(reflect.ValueOf(v), maxLook)
		}
		return
	}
	if c.limit(len(data)) && c.storable(data, true) {
		if path, found := oddTime(reflect.ValueOf(v), maxLook); found {
			c.fail(errOddOffset)
			c.path = path
		}
		c.data = append(c.data, data...)
	}
	e.release()
}

// readGo reads the next value into v, a pointer, by encoding/json.
func readGo(c *Codec, v any) {
	from := c.at
	if c.skip(); c.err != nil {
		return
	}
	data := c.data[from:c.at]
	err := unmarshalGo(data, v)
	wrong, isWrong := asError[*json.UnmarshalTypeError](err)
	switch {
	case err == nil:
	case isPanic(err):
		c.fail(err)
		c.path = panicReading(reflect.TypeOf(v).Elem(), data)
	case isWrong:
		kind, _, _ := strings.Cut(wrong.Value, " ") // a number comes with its digits
		c.fail(fmt.Errorf("a JSON %s does not fit a Go %v", kind, wrong.Type))
		c.path = wrong.Field
	default:
		c.fail(&RefusedError{err})
	}
}

func unmarshalGo(data []byte, v any) (err error) {
	defer recovered(&err)
	if err := json.Unmarshal(data, v); err != nil {
		_ = err.Error() // as in encode
		return err
	}
	return nil
}

// jsonFields yields the fields of a struct that encoding/json writes, by their
// keys. The key of a struct that is embedded is empty: its fields are written
// beside the others.
func jsonFields(v reflect.Value) iter.Seq2[string, reflect.Value] {
	return func(yield func(string, reflect.Value) bool) {
		for i := range v.NumField() {
			key, ok := jsonKey(v.Type().Field(i))
			if ok && !yield(key, v.Field(i)) {
				return
			}
		}
	}
}

func jsonKey(f reflect.StructField) (key string, ok bool) {
	tag := f.Tag.Get("json")
	key, _, _ = strings.Cut(tag, ",")
	switch {
	case tag == "-", !f.IsExported() && !f.Anonymous:
		return "", false
	case key == "" && !f.Anonymous:
		key = f.Name
	}
	return key, true
}
