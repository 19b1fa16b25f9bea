package driver

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Bounds that hold for every store.
const (
	// MaxNameSize is how many bytes the name of a queue, a handler or a job type
	// may have.
	MaxNameSize = 255
	// MaxPayloadSize is how many bytes a payload may have as JSON, unless the
	// catalogue says otherwise.
	MaxPayloadSize = 1 << 20
	// MaxPayloadBound is the largest payload size that a catalogue may allow. A
	// queue is not a place for files: keep those elsewhere, and their names in the
	// payload.
	MaxPayloadBound = 16 << 20
	// MaxBatchSize is how many jobs one batch may have.
	MaxBatchSize = 1_000_000
	// MaxPriority is the last priority; 0 is claimed first.
	MaxPriority = 9
	// MaxLogSize is how many bytes of an attempt's log are kept, half from its
	// beginning and half from its end; a line between them says how much was cut.
	MaxLogSize = 64 << 10
	// MaxReasonSize is how many bytes of a failure's reason are kept.
	MaxReasonSize = 8 << 10
)

// A TooLargeError says that something is larger than it may be, and that
// nothing was written: a payload, the name of a queue, handler or job type, or a
// batch. Logs and reasons are cut instead, with a mark, because an outcome must
// not be lost for the sake of its text.
type TooLargeError struct {
	// What is too large, such as "the payload as JSON".
	What string
	// Size is how large it is, and Max how large it may be, in Unit.
	Size, Max int
	// Unit is what Size and Max count, such as "bytes".
	Unit string
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s has %d %s, more than the %d that it may have", e.What, e.Size, e.Unit, e.Max)
}

// CheckName returns why name cannot name what, a "queue", a "handler" or a "job
// type", or nil. A name is 1 to [MaxNameSize] bytes of valid UTF-8 without NUL.
func CheckName(what, name string) error {
	switch {
	case name == "":
		return fmt.Errorf("the %s's name is empty", what)
	case len(name) > MaxNameSize:
		return &TooLargeError{What: "the " + what + "'s name", Size: len(name), Max: MaxNameSize, Unit: "bytes"}
	case !utf8.ValidString(name):
		return fmt.Errorf("the %s's name %q is not valid UTF-8", what, name)
	case strings.ContainsRune(name, 0):
		return fmt.Errorf("the %s's name %q contains a NUL character", what, name)
	}
	return nil
}

// CheckBatch returns a [*TooLargeError] for a batch of more than [MaxBatchSize]
// jobs.
func CheckBatch(jobs int) error {
	if jobs > MaxBatchSize {
		return &TooLargeError{What: "the batch", Size: jobs, Max: MaxBatchSize, Unit: "jobs"}
	}
	return nil
}

// CleanReason returns reason as every store can keep it: invalid UTF-8 and NUL
// replaced by U+FFFD, and cut with a mark at [MaxReasonSize] bytes.
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

// CutLog returns log where it is no longer than [MaxLogSize] and dropped is 0,
// and otherwise a shorter one of its head, a line that says how many bytes were
// cut, and its tail. Dropped is how many bytes were cut from its middle before.
func CutLog(log []byte, dropped int64) []byte {
	if len(log) <= MaxLogSize && dropped == 0 {
		return log
	}
	const room = 64 // for the mark itself, so that a cut log is not cut again
	half := (MaxLogSize - room) / 2
	if len(log) < 2*half {
		half = len(log) / 2
	}
	dropped += int64(len(log) - 2*half)
	cut := make([]byte, 0, 2*half+room)
	cut = append(cut, log[:half]...)
	cut = fmt.Appendf(cut, "\n[... %d bytes cut ...]\n", dropped)
	return append(cut, log[len(log)-half:]...)
}
