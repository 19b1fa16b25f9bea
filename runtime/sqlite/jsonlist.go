package sqlite

import "strconv"

// A jsonList is an array of arrays, by which a statement takes many rows.
type jsonList []byte

// item appends one row of integers.
func (l *jsonList) item(values ...int64) {
	b := append(*l, ',', '[')
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, v, 10)
	}
	*l = append(b, ']')
}

func (l jsonList) text() string {
	if len(l) == 0 {
		return "[]"
	}
	return "[" + string(l[1:]) + "]"
}

// idList is ids as the statements take them. Reading a list costs SQLite a
// third of what reading an array of arrays does.
func idList[T ~int64](ids []T) string {
	b := make([]byte, 0, 20*len(ids)+2)
	for _, id := range ids {
		b = strconv.AppendInt(append(b, ','), int64(id), 10)
	}
	return jsonList(b).text()
}

// spans are bytes that belong to ids, one after the other, and an object by
// which a statement finds those of each id. So they need no quoting.
type spans struct {
	bytes   []byte
	members []byte
}

// spanBits is for the length of the longest bytes, a payload of 1 MiB.
const spanBits = 21

func (s *spans) add(id int64, b []byte) {
	s.members = append(strconv.AppendInt(append(s.members, `,"`...), id, 10), `":`...)
	s.members = strconv.AppendInt(s.members, int64(len(s.bytes)+1)<<spanBits|int64(len(b)), 10)
	s.bytes = append(s.bytes, b...)
}

func (s *spans) text() string { return "{" + string(s.members[1:]) + "}" }
