package codec

import (
	"encoding"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/bwmarrin/snowflake"
)

// String is text.
func String(c *Codec, v *string) {
	if c.writing {
		c.appendString(*v)
		return
	}
	if text, ok := c.readText(); ok {
		*v = string(text)
	}
}

// Enum is the text of an enum. Only a valid value is written; any text is read,
// since a newer program may have written it.
func Enum[E interface {
	~string
	Valid() bool
}](c *Codec, v *E) {
	if c.writing {
		if !(*v).Valid() {
			c.fail(fmt.Errorf("%T has no value %.60q", *v, string(*v)))
			return
		}
		c.appendString(string(*v))
		return
	}
	if text, ok := c.readText(); ok {
		*v = E(text)
	}
}

// MarshalEnum returns the text of an enum's value, or an error for one that is not
// valid. The MarshalText methods of generated enums call it, so that Enum and
// encoding/json refuse the same values.
func MarshalEnum[E ~string](v E, valid bool) ([]byte, error) {
	if !valid {
		return nil, fmt.Errorf("%T has no value %.60q", v, string(v))
	}
	return []byte(v), nil
}

var errNoID = errors.New("the string is not the digits of an id")

// Snowflake is a number in a string: JavaScript would round it.
func Snowflake(c *Codec, v *snowflake.ID) {
	if c.writing {
		c.data = append(strconv.AppendInt(append(c.data, '"'), int64(*v), 10), '"')
		return
	}
	text, ok := c.readText()
	if !ok {
		return
	}
	n, ok := parseInt(text)
	if !ok {
		c.fail(errNoID)
		return
	}
	*v = snowflake.ID(n)
}

// Text is a string that the value makes of itself and reads itself.
func Text[T any, P interface {
	*T
	encoding.TextAppender
	encoding.TextUnmarshaler
}](c *Codec, v *T) {
	if c.writing {
		c.data = append(c.data, '"')
		from := len(c.data)
		data, err := appendText(P(v), c.data)
		if err != nil {
			c.fail(err)
			return
		}
		for _, b := range data[from:] {
			if !plain[b] { // none of ours, but another's may be anything
				text := string(data[from:])
				c.data = data[:from-1]
				c.appendString(text)
				return
			}
		}
		c.data = append(data, '"')
		return
	}
	if text, ok := c.readText(); ok {
		if err := unmarshalText(P(v), text); err != nil {
			c.refuse(err)
		}
	}
}

// Bytes is a string in base64, with padding.
func Bytes(c *Codec, v *[]byte) {
	if c.writing {
		if c.limit(base64.StdEncoding.EncodedLen(len(*v))) {
			c.data = append(base64.StdEncoding.AppendEncode(append(c.data, '"'), *v), '"')
		}
		return
	}
	if c.literal("null") {
		*v = nil
		return
	}
	text, ok := c.readText()
	if !ok {
		return
	}
	b := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(b, text)
	if err != nil {
		c.fail(fmt.Errorf("the string is not base64: %w", err))
		return
	}
	*v = b[:n]
}

// readText reads a string, which is to be copied.
func (c *Codec) readText() (text []byte, ok bool) {
	if c.peek() != '"' {
		c.mismatch("a string")
		return nil, false
	}
	text = c.text()
	return text, c.err == nil
}

// appendString writes s and checks it in the same pass.
func (c *Codec) appendString(s string) {
	if !c.limit(len(s)) {
		return
	}
	dst := append(c.data, '"')
	from := 0 // of what is not written yet
	for i := skipPlain(s, 0); i < len(s); i = skipPlain(s, i) {
		b := s[i]
		if b >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				c.fail(errUTF8)
				return
			}
			if r == '\u2028' || r == '\u2029' { // which end a line in JavaScript
				dst = append(append(dst, s[from:i]...), `\u202`...)
				dst = append(dst, hexDigits[r&0xf])
				from = i + n
			}
			i += n
			continue
		}
		dst = append(dst, s[from:i]...)
		i++
		from = i
		switch b {
		case '"', '\\':
			dst = append(dst, '\\', b)
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		case 0:
			c.fail(errNUL)
			return
		default:
			dst = append(dst, `\u00`...)
			dst = append(dst, hexDigits[b>>4], hexDigits[b&0xf])
		}
	}
	c.data = append(append(dst, s[from:]...), '"')
}

const hexDigits = "0123456789abcdef"
