package runtime

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxNameSize is how many bytes the name of a queue, of a handler or of a job
// type may have.
const MaxNameSize = 255

// CheckName returns why name cannot name what, a "queue", a "handler" or a "job
// type", or nil. Back ends call it before they store a name, so that all refuse
// the same: the empty name, more than [MaxNameSize] bytes (a [*LimitError]),
// invalid UTF-8 and NUL.
func CheckName(what, name string) error {
	switch {
	case name == "":
		return fmt.Errorf("the %s's name is empty", what)
	case len(name) > MaxNameSize:
		return &LimitError{What: "the " + what + "'s name", Size: len(name), Limit: MaxNameSize, Unit: "bytes"}
	case !utf8.ValidString(name):
		return fmt.Errorf("the %s's name %q is not valid UTF-8", what, name)
	case strings.ContainsRune(name, 0):
		return fmt.Errorf("the %s's name %q holds a NUL character", what, name)
	}
	return nil
}

// MaxReasonSize is how many bytes of a failure's reason are kept.
const MaxReasonSize = 8 << 10

// CleanReason returns reason as every store can keep it: invalid UTF-8 and NUL
// replaced by U+FFFD, and cut with a mark at [MaxReasonSize] bytes. An outcome
// is never lost for the sake of its text.
func CleanReason(reason string) string {
	reason = strings.ReplaceAll(strings.ToValidUTF8(reason, "\ufffd"), "\x00", "\ufffd")
	if len(reason) <= MaxReasonSize {
		return reason
	}
	const mark = " [cut]"
	at := MaxReasonSize - len(mark)
	for !utf8.RuneStart(reason[at]) {
		at--
	}
	return reason[:at] + mark
}
