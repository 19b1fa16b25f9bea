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
