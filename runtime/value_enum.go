package runtime

import "fmt"

// MarshalEnum returns the text of an enum's value and refuses one that is not
// valid. The MarshalText methods of generated enums call it, so that a value
// which nothing declares is never stored.
func MarshalEnum[E ~string](v E, valid bool) ([]byte, error) {
	if !valid {
		return nil, fmt.Errorf("%T has no value %q", v, string(v))
	}
	return []byte(v), nil
}
