package sqlite

import (
	"strconv"

	"github.com/jobgen/jobgen/runtime/driver"
)

// idList is ids as the statements take them, an array.
func idList[T ~int64](ids []T) string {
	b := make([]byte, 0, 20*len(ids)+2)
	b = append(b, '[')
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(id), 10)
	}
	return string(append(b, ']'))
}

// attemptList is attempts as the statements take them, an array of arrays.
// SQLite reads an array of ids in a third of the time.
func attemptList(attempts []driver.Attempt) string {
	b := []byte{'['}
	for i, a := range attempts {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, '['), int64(a.Job), 10)
		b = strconv.AppendInt(append(b, ','), int64(a.Number), 10)
		b = append(b, ']')
	}
	return string(append(b, ']'))
}

// spans are bytes that belong to ids, one after the other, and an object by
// which a statement finds those of each id. So they need no quoting.
type spans struct {
	bytes   []byte
	members []byte
}

// spanBits is for a length and for an offset. SQLite has no value of 2 GiB, so
// neither of them needs more.
const spanBits = 31

// maxSpans is about how many bytes go into one statement.
const maxSpans = 4 << 20

// full reports whether the next bytes belong into spans of their own.
func (s *spans) full() bool { return len(s.bytes) > maxSpans }

func (s *spans) add(id int64, b []byte) { s.took(id, append(s.bytes, b...), len(s.bytes)) }

// took is add where the bytes from before on were appended already.
func (s *spans) took(id int64, bytes []byte, before int) {
	s.bytes = bytes
	s.members = append(strconv.AppendInt(append(s.members, `,"`...), id, 10), `":`...)
	s.members = strconv.AppendInt(s.members, int64(before+1)<<spanBits|int64(len(bytes)-before), 10)
}

func (s *spans) text() string { return "{" + string(s.members[1:]) + "}" }
