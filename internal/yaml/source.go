package yaml

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"github.com/jobgen/jobgen/internal/diagnostic"
)

// What is above these limits no person wrote, and would keep the parser of YAML
// busy: its time grows with the square of the keys in one mapping.
const (
	maxSize = 16 << 20
	// MaxDepth is how many mappings and lists may lie in each other.
	MaxDepth = 64
	maxKeys  = 20_000
)

// clean returns src as the YAML parser gets it, without byte order mark and
// carriage returns, and whether it is fit for it.
func clean(src []byte, mistakes *diagnostic.List) (string, bool) {
	if len(src) > maxSize {
		mistakes.Add(diagnostic.Position{Line: 1, Column: 1}, diagnostic.TooLarge,
			"the file has %d bytes, more than the %d that are read", len(src), maxSize)
		return "", false
	}
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	src = bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n"))
	fit := true
	at := diagnostic.Position{Line: 1, Column: 1}
	for i := 0; i < len(src); {
		r, size := utf8.DecodeRune(src[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			mistakes.Add(at, diagnostic.NotUTF8, "byte 0x%02x is not UTF-8: save the file in that encoding", src[i])
			return "", false // the rest would be as wrong
		case r == '\n':
			at.Line++
			at.Column = 0
		case r != '\t' && hidden(r):
			mistakes.Add(at, diagnostic.BadCharacter, "the character %U is invisible: remove it", r)
			fit = false
		}
		at.Column++
		i += size
	}
	return string(src), fit
}

// hidden reports whether r is a control character or one that turns the
// direction of the text around it.
func hidden(r rune) bool {
	switch {
	case r == '\u2028', r == '\u2029', r == '\ufeff', r == '\u061c', r == '\u200e', r == '\u200f':
		return true
	case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
		return true
	}
	return unicode.IsControl(r)
}
