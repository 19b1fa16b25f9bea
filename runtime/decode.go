package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

func decodePayload[P any](t JobType, data []byte) (*P, error) {
	p := new(P)
	if err := json.Unmarshal(data, p); err != nil {
		return nil, decodeError(t, err)
	}
	return p, nil
}

// decodeError says where a payload did not decode, and nothing of what is in
// it: the error becomes the reason of a failure, which is kept and logged where
// payloads are not.
func decodeError(t JobType, err error) error {
	var mismatch *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &mismatch):
		kind, _, _ := strings.Cut(mismatch.Value, " ") // a number comes with its digits
		return &PayloadError{Type: t, Field: mismatch.Field, Err: fmt.Errorf("decode: a JSON %s does not fit a Go %v", kind, mismatch.Type)}
	case errors.As(err, &syntax):
		return &PayloadError{Type: t, Err: fmt.Errorf("decode: it is no JSON from byte %d on", syntax.Offset)}
	}
	return &PayloadError{Type: t, Err: &refusedValue{err}}
}

// A refusedValue is the error of a type that did not take its value, without
// its text, in which the value may stand.
type refusedValue struct{ err error }

func (e *refusedValue) Error() string {
	return fmt.Sprintf("decode: a value is refused by its type, with a %T", e.err)
}

// Unwrap returns the type's error.
func (e *refusedValue) Unwrap() error { return e.err }
