package codec

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// joinKey returns the path of what lies at path inside an object's key. The
// key is empty for what an object has from a struct that is embedded.
func joinKey(key, path string) string {
	switch {
	case key == "":
		return path
	case path == "", path[0] == '[':
		return key + path
	}
	return key + "." + path
}

// joinIndex is joinKey for an element of an array.
func joinIndex(i int, path string) string {
	index := "[" + strconv.Itoa(i) + "]"
	if path != "" && path[0] != '[' {
		index += "."
	}
	return index + path
}

// pathAt returns the path of the value or key at byte at of valid JSON.
func pathAt(data []byte, at int) string {
	dec := json.NewDecoder(bytes.NewReader(data))
	path, _ := walkTo(dec, int64(at))
	return path
}

// walkTo reads one value, and reports whether it goes beyond the byte at, and
// the path in it of what is there.
func walkTo(dec *json.Decoder, at int64) (path string, beyond bool) {
	token, err := dec.Token()
	if err != nil || dec.InputOffset() > at {
		return "", true
	}
	delim, _ := token.(json.Delim)
	for i := 0; delim != 0 && dec.More(); i++ {
		if delim == '[' {
			if path, beyond := walkTo(dec, at); beyond {
				return joinIndex(i, path), true
			}
			continue
		}
		token, err := dec.Token()
		key, _ := token.(string)
		if err != nil || dec.InputOffset() > at {
			return key, true
		}
		if path, beyond := walkTo(dec, at); beyond {
			return joinKey(key, path), true
		}
	}
	if delim != 0 {
		if _, err := dec.Token(); err != nil { // its end
			return "", true
		}
	}
	return "", false
}
