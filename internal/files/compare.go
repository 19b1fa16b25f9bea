package files

import (
	"bytes"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

var (
	lf   = []byte("\n")
	crlf = []byte("\r\n")
)

// Same reports whether two contents are the same but for their line ends, which
// git converts in a checkout with core.autocrlf. A missing file, nil, is the
// same as no content, not even an empty one.
func Same(have, want []byte) bool {
	return (have == nil) == (want == nil) && bytes.Equal(bytes.ReplaceAll(have, crlf, lf), bytes.ReplaceAll(want, crlf, lf))
}

// LineEndsOf returns text with the line ends of have: CRLF where the first line
// of have ends in it, else LF.
func LineEndsOf(have, text []byte) []byte {
	text = bytes.ReplaceAll(text, crlf, lf)
	if first := bytes.Index(have, lf); first > 0 && have[first-1] == '\r' {
		return bytes.ReplaceAll(text, lf, crlf)
	}
	return text
}

// Diff returns a unified diff of the file called name from have to want, nil
// for a missing file, without regard to line ends; "" where they are the same.
func Diff(name string, have, want []byte) string {
	if Same(have, want) {
		return ""
	}
	from, to := "a/"+name, "b/"+name
	if have == nil {
		from = os.DevNull
	}
	if want == nil {
		to = os.DevNull
	}
	text := diff.Diff(from, bytes.ReplaceAll(have, crlf, lf), to, bytes.ReplaceAll(want, crlf, lf))
	_, after, _ := strings.Cut(string(text), "\n") // without the line "diff a b"
	return after
}
