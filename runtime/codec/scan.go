package codec

import (
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// peek returns the next byte, or 0 at the end, which is nowhere allowed.
func (c *Codec) peek() byte {
	if c.at < len(c.data) {
		return c.data[c.at]
	}
	return 0
}

// space skips white space.
func (c *Codec) space() {
	for c.at < len(c.data) {
		switch c.data[c.at] {
		case ' ', '\t', '\n', '\r':
			c.at++
		default:
			return
		}
	}
}

// syntax fails since the next byte is not what is needed.
func (c *Codec) syntax(needed string) {
	if c.at >= len(c.data) {
		c.fail(errors.New("the JSON ends too early"))
		return
	}
	c.fail(fmt.Errorf("at byte %d of the JSON %s is needed", c.at, needed))
}

// mismatch fails since the next value is not of the kind that is needed, or is
// no value at all.
func (c *Codec) mismatch(needed string) {
	have := ""
	switch b := c.peek(); {
	case b == '{':
		have = "an object"
	case b == '[':
		have = "an array"
	case b == '"':
		have = "a string"
	case b == 't', b == 'f':
		have = "a bool"
	case b == 'n':
		have = "null"
	case b == '-', isDigit(b):
		have = "a number"
	default:
		c.syntax(needed)
		return
	}
	c.fail(fmt.Errorf("it is %s where %s is needed", have, needed))
}

// open reads the delimiter that begins a value.
func (c *Codec) open(delim byte, needed string) bool {
	if c.peek() != delim {
		c.mismatch(needed)
		return false
	}
	c.at++
	return true
}

// literal reads a word where it comes next.
func (c *Codec) literal(word string) bool {
	if len(c.data)-c.at < len(word) || string(c.data[c.at:c.at+len(word)]) != word {
		return false
	}
	c.at += len(word)
	return true
}

// skip reads any value and checks that it is one.
func (c *Codec) skip() {
	switch b := c.peek(); {
	case b == '"':
		c.raw()
	case b == '-', isDigit(b):
		c.number()
	case b == '{', b == '[':
		if c.enter() {
			c.at++
			c.skipAll(b)
			c.depth--
		}
	case c.literal("true"), c.literal("false"), c.literal("null"):
	default:
		c.syntax("a value")
	}
}

// skipAll reads what an object or an array holds, and its end.
func (c *Codec) skipAll(open byte) {
	end := open + 2 // of [ and of {
	if c.space(); c.peek() == end {
		c.at++
		return
	}
	for c.err == nil {
		if open == '{' {
			if c.peek() != '"' {
				c.syntax("a key")
				return
			}
			c.raw()
			if c.space(); c.peek() != ':' {
				c.syntax("a colon")
				return
			}
			c.at++
			c.space()
		}
		c.skip()
		c.space()
		switch {
		case c.err != nil:
		case c.peek() == end:
			c.at++
			return
		case c.peek() != ',':
			c.syntax("a comma or the end of what holds it")
		default:
			c.at++
			c.space()
		}
	}
}

func isDigit(b byte) bool { return b-'0' < 10 }

// number reads a number and returns its text, and whether it is an integer.
func (c *Codec) number() (text []byte, whole bool) {
	from, whole := c.at, true
	if c.peek() == '-' {
		c.at++
	}
	if c.peek() == '0' {
		c.at++
	} else {
		c.digits()
	}
	if c.peek() == '.' {
		whole = false
		c.at++
		c.digits()
	}
	if b := c.peek(); b == 'e' || b == 'E' {
		whole = false
		c.at++
		if b := c.peek(); b == '+' || b == '-' {
			c.at++
		}
		c.digits()
	}
	return c.data[from:min(c.at, len(c.data))], whole
}

// digits reads at least one.
func (c *Codec) digits() {
	if !isDigit(c.peek()) {
		c.syntax("a digit")
		return
	}
	for c.at < len(c.data) && isDigit(c.data[c.at]) {
		c.at++
	}
}

// plain holds the bytes of a string that stand for themselves and are ASCII.
var plain = func() (plain [256]bool) {
	for b := ' '; b < utf8.RuneSelf; b++ {
		plain[b] = b != '"' && b != '\\'
	}
	return plain
}()

// skipPlain returns where from i on the first byte is that is not plain, looking
// at eight at a time while it can.
func skipPlain[S []byte | string](s S, i int) int {
	const each = 0x0101010101010101
	for ; i+8 <= len(s); i += 8 {
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		// The high bit of a byte is set where it was, and where what is taken
		// from it is more than it is.
		if (w|(w-each*' ')|((w^each*'"')-each)|((w^each*'\\')-each))&(each<<7) != 0 {
			break
		}
	}
	for i < len(s) && plain[s[i]] {
		i++
	}
	return i
}

// raw reads a string and checks it. It returns what stands between the quotes,
// and whether any of it is escaped.
func (c *Codec) raw() (text []byte, escaped bool) {
	c.at++
	from, ascii := c.at, true
	for {
		c.at = skipPlain(c.data, c.at)
		switch b := c.peek(); {
		case b >= utf8.RuneSelf:
			ascii = false
			c.at++
		case b == '"':
			text = c.data[from:c.at]
			c.at++
			if !ascii && !utf8.Valid(text) {
				c.fail(errReadUTF8)
			}
			return text, escaped
		case b == '\\':
			escaped = true
			if c.escape(); c.err != nil {
				return nil, false
			}
		default:
			c.syntax("an escape or the end of the string")
			return nil, false
		}
	}
}

// escape reads an escape and checks it. A surrogate has to be half of a pair.
func (c *Codec) escape() (r rune) {
	c.at++
	switch b := c.peek(); b {
	case '"', '\\', '/':
		r = rune(b)
	case 'b':
		r = '\b'
	case 'f':
		r = '\f'
	case 'n':
		r = '\n'
	case 'r':
		r = '\r'
	case 't':
		r = '\t'
	case 'u':
		c.at++
		r = c.hex()
		if utf16.IsSurrogate(r) && c.err == nil {
			low := rune(0)
			if c.literal(`\u`) {
				low = c.hex()
			}
			if r = utf16.DecodeRune(r, low); r == utf8.RuneError && c.err == nil {
				c.fail(errors.New("text holds half of a surrogate pair"))
			}
		}
		return r
	default:
		c.syntax("an escape")
		return 0
	}
	c.at++
	return r
}

// hex reads the four digits of an escape.
func (c *Codec) hex() (r rune) {
	for range 4 {
		b := c.peek()
		switch {
		case isDigit(b):
			b -= '0'
		case b|0x20 >= 'a' && b|0x20 <= 'f':
			b = b | 0x20 - 'a' + 10
		default:
			c.syntax("a hexadecimal digit")
			return 0
		}
		r = r<<4 | rune(b)
		c.at++
	}
	return r
}

// text reads a string without its escapes. What it returns may be a part of
// what is read, so it is to be copied.
func (c *Codec) text() []byte {
	from := c.at + 1
	raw, escaped := c.raw()
	if !escaped || c.err != nil {
		return raw
	}
	end := c.at
	out := make([]byte, 0, len(raw))
	for c.at = from; c.at < end-1; {
		if b := c.data[c.at]; b != '\\' {
			out = append(out, b)
			c.at++
			continue
		}
		out = utf8.AppendRune(out, c.escape())
	}
	c.at = end
	return out
}
