package codec

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// maxPath is how many bytes the path of an error may have.
const maxPath = 400

// joinKey returns the path of what lies at path inside an object's key. The
// key is empty for what an object has from a struct that is embedded.
func joinKey(key, path string) string {
	switch {
	case key == "":
		return path
	case path == "", path[0] == '[':
		return short(key + path)
	}
	return short(key + "." + path)
}

// joinIndex is joinKey for an element of an array.
func joinIndex(i int, path string) string {
	index := "[" + strconv.Itoa(i) + "]"
	if path != "" && path[0] != '[' {
		index += "."
	}
	return short(index + path)
}

// short cuts the inner end off a path of more than maxPath bytes, which a
// payload may have through its keys and its levels: errors are logged.
func short(path string) string {
	if len(path) <= maxPath {
		return path
	}
	const more = "…"
	end := maxPath - len(more)
	for end > 0 && !utf8.RuneStart(path[end]) {
		end--
	}
	return path[:end] + more
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
			return joinKey(key, ""), true
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
