package runtime

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/jobgen/jobgen/runtime/codec"
)

// encodeError names the field that err is about.
func encodeError(t JobType, err error, limit int) error {
	var field string
	var ce *codec.Error
	if errors.As(err, &ce) {
		field, err = ce.Path, ce.Err
	}
	var large *codec.SizeError
	if errors.As(err, &large) {
		err = tooLarge(large.Size, limit)
	}
	return &PayloadError{Type: t, Field: field, Err: err}
}

func checkSize(t JobType, size, limit int) error {
	if size > limit {
		return &PayloadError{Type: t, Err: tooLarge(size, limit)}
	}
	return nil
}

func tooLarge(size, limit int) error {
	return &TooLargeError{What: "the payload as JSON", Size: size, Max: limit, Unit: "bytes"}
}

// maxKept is the size of the largest buffer that is kept for another payload,
// or one large payload would be held for good.
const maxKept = 64 << 10

var payloadBuffers = sync.Pool{New: func() any { return new([]byte) }}

// encodePayload returns the payload as JSON, in no more memory than it needs.
func encodePayload(def *Definition, payload any, limit int) ([]byte, error) {
	buf := payloadBuffers.Get().(*[]byte)
	data, err := def.encode((*buf)[:0], payload, limit)
	if cap(data) <= maxKept {
		*buf = data
		defer payloadBuffers.Put(buf) // once data has been copied
	}
	if err != nil {
		return nil, err
	}
	return bytes.Clone(data), nil
}

var encoders = sync.Pool{New: func() any { return newEncoder() }}

type encoder struct {
	buf  bytes.Buffer
	json *json.Encoder
}

func newEncoder() *encoder {
	e := &encoder{}
	e.json = json.NewEncoder(&e.buf)
	e.json.SetEscapeHTML(false)
	return e
}

// appendReflected appends the JSON that encoding/json makes of p.
func appendReflected(dst []byte, t JobType, p any, limit int) ([]byte, error) {
	e := encoders.Get().(*encoder)
	e.buf.Reset()
	if err := e.json.Encode(p); err != nil {
		return dst, &PayloadError{Type: t, Err: err} // without e, which would repeat its first error
	}
	if e.buf.Cap() <= maxKept {
		defer encoders.Put(e)
	}
	data := bytes.TrimSuffix(e.buf.Bytes(), []byte("\n"))
	if err := checkSize(t, len(data), limit); err != nil {
		return dst, err
	}
	if at, err := unstorable(data); err != nil {
		return dst, &PayloadError{Type: t, Field: pathAt(data, at), Err: err}
	}
	return append(dst, data...), nil
}

var (
	errNUL  = errors.New("text holds a NUL character, which the store cannot keep")
	errUTF8 = errors.New("text is not valid UTF-8, which the store cannot keep")
	errHalf = errors.New("text holds half of a surrogate pair, which the store cannot keep")
)

// unstorable finds what valid JSON may still hold and a store cannot keep.
// encoding/json writes a NUL as \u0000 and a byte that is no UTF-8 as \ufffd,
// while a real U+FFFD stays as it is, so both show in the encoded text.
func unstorable(data []byte) (at int, err error) {
	if !utf8.Valid(data) {
		for at < len(data) {
			r, n := utf8.DecodeRune(data[at:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			at += n
		}
		return at, errUTF8
	}
	for i := 0; ; {
		n := bytes.IndexByte(data[i:], '\\')
		if n < 0 || i+n+1 >= len(data) {
			return 0, nil
		}
		i += n
		if rest := data[i+1:]; len(rest) >= 5 && rest[0] == 'u' {
			switch unit := hexUnit(rest[1:5]); {
			case unit == 0:
				return i, errNUL
			case unit == utf8.RuneError:
				return i, errUTF8
			case utf16.IsSurrogate(unit):
				rest = rest[5:]
				if len(rest) < 6 || rest[0] != '\\' || rest[1] != 'u' || utf16.DecodeRune(unit, hexUnit(rest[2:6])) == utf8.RuneError {
					return i, errHalf
				}
				i += 6
			}
		}
		i += 2 // past the backslash and what it escapes, which may be another
	}
}

// hexUnit reads four digits, which are valid since the JSON is.
func hexUnit(digits []byte) rune {
	n, _ := strconv.ParseUint(string(digits), 16, 16)
	return rune(n)
}

// pathAt returns the JSON path of the value that encloses offset at.
func pathAt(data []byte, at int) string {
	dec := json.NewDecoder(bytes.NewReader(data))
	type level struct {
		key   string
		index int
		array bool
		value bool // inside an object: the next token is a value
	}
	var stack []level
	for {
		tok, err := dec.Token()
		if err != nil {
			break
		}
		top := len(stack) - 1
		inObject := top >= 0 && !stack[top].array
		delim, isDelim := tok.(json.Delim)
		if key, ok := tok.(string); ok && inObject && !stack[top].value {
			stack[top].key, stack[top].value = key, true
			if dec.InputOffset() > int64(at) {
				break
			}
			continue
		}
		if isDelim && (delim == '}' || delim == ']') {
			stack = stack[:top]
			continue
		}
		if top >= 0 {
			stack[top].value = false
			if stack[top].array {
				stack[top].index++
			}
		}
		if dec.InputOffset() > int64(at) {
			break
		}
		if isDelim {
			stack = append(stack, level{array: delim == '[', index: -1})
		}
	}
	var path []byte
	for _, l := range stack {
		switch {
		case l.array:
			path = fmt.Appendf(path, "[%d]", l.index)
		case len(path) > 0:
			path = append(append(path, '.'), l.key...)
		default:
			path = append(path, l.key...)
		}
	}
	return string(path)
}
