package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
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
// is that type's own affair.
func Go[T any](c *Codec, v *T) {
	if c.writing {
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			c.fail(err)
			return
		}
		data := bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
		if c.limit(len(data)) && c.storable(data, true) {
			c.data = append(c.data, data...)
		}
		return
	}
	from := c.at
	if c.skip(); c.err != nil {
		return
	}
	*v = *new(T)
	err := json.Unmarshal(c.data[from:c.at], v)
	var te *json.UnmarshalTypeError
	switch {
	case errors.As(err, &te):
		kind, _, _ := strings.Cut(te.Value, " ") // a number comes with its digits
		c.fail(fmt.Errorf("a JSON %s does not fit a Go %v", kind, te.Type))
		if te.Field != "" {
			c.within(te.Field)
		}
	case err != nil:
		c.fail(&RefusedError{err})
	}
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
		i = r.at
	}
	c.fail(r.err)
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
