package sqlite

import (
	"encoding/json"
	"strconv"
)

// A jsonList is an array of arrays, by which a statement takes many rows.
type jsonList []byte

// item appends one row of integers and texts.
func (l *jsonList) item(values ...any) {
	b := append(*l, ',', '[')
	for i, value := range values {
		if i > 0 {
			b = append(b, ',')
		}
		switch v := value.(type) {
		case int64:
			b = strconv.AppendInt(b, v, 10)
		case string:
			text, _ := json.Marshal(v) // which cannot fail
			b = append(b, text...)
		}
	}
	*l = append(b, ']')
}

func (l jsonList) text() string {
	if len(l) == 0 {
		return "[]"
	}
	return "[" + string(l[1:]) + "]"
}

// idList is ids as the statements take them.
func idList[T ~int64](ids []T) string {
	b := make([]byte, 0, 20*len(ids)+2)
	for _, id := range ids {
		b = strconv.AppendInt(append(b, ','), int64(id), 10)
	}
	return jsonList(b).text()
}
