package codec

import (
	"bytes"
	"encoding/json"
)

// JSON is any JSON, null included, kept as it is but for white space outside
// of strings. Where it is nil, null is written.
func JSON(c *Codec, v *json.RawMessage) {
	if !c.writing {
		from := c.at
		if c.skip(); c.err == nil {
			*v = bytes.Clone(c.data[from:c.at])
		}
		return
	}
	if *v == nil {
		c.data = append(c.data, "null"...)
		return
	}
	if c.limit(0) && c.storable(*v, false) {
		c.appendCompact(*v)
		c.limit(0)
	}
}

// Go is a Go type that encoding/json writes and reads. Whether it can be null
// is that type's own affair. A type whose methods panic gets a [*PanicError].
func Go[T any](c *Codec, v *T) {
	if c.writing {
		writeGo(c, v)
		return
	}
	*v = *new(T)
	readGo(c, v)
}

// AppendGo is [Append] for a payload that is not described to this package: it
// appends what encoding/json makes of v, a pointer to the payload.
func AppendGo(dst []byte, v any) ([]byte, error) {
	return appendValue(dst, func(c *Codec) { writeGo(c, v) })
}

// UnmarshalGo is [Unmarshal] for such a payload, into which encoding/json reads.
func UnmarshalGo(data []byte, v any) error {
	return unmarshalValue(data, func(c *Codec) { readGo(c, v) })
}

// storable checks that data is JSON and holds nothing that a store cannot keep.
// encoding/json writes a byte that is not UTF-8 as \ufffd, while a real U+FFFD
// stays as it is, so in what it wrote the escape shows the byte.
func (c *Codec) storable(data []byte, wrote bool) bool {
	r := Codec{data: data, depth: c.depth}
	r.space()
	r.skip()
	r.space()
	if r.err == nil && r.at < len(data) {
		r.syntax("the end")
	}
	if r.err != nil && wrote { // so it is JSON, and the path of what is wrong can be told
		r.path = pathAt(data, r.at-1)
	}
	for i := 0; r.err == nil; {
		n := bytes.IndexByte(data[i:], '\\')
		if n < 0 {
			return true
		}
		i += n
		r.at = i
		switch r.escape() {
		case 0:
			r.fail(errNUL)
		case '\ufffd':
			if wrote {
				r.fail(errUTF8)
			}
		}
		if r.err != nil {
			r.path = pathAt(data, i)
		}
		i = r.at
	}
	c.fail(r.err)
	c.path = r.path
	return false
}

// appendCompact writes JSON without the white space outside of its strings.
func (c *Codec) appendCompact(data []byte) {
	inString := false
	for i := 0; i < len(data); i++ {
		switch b := data[i]; {
		case b == '"':
			inString = !inString
		case inString && b == '\\':
			c.data = append(c.data, b)
			i++
		case !inString && (b == ' ' || b == '\t' || b == '\n' || b == '\r'):
			continue
		}
		c.data = append(c.data, data[i])
	}
}
