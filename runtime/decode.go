package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/jobgen/jobgen/runtime/codec"
)

// decodePayload reads data into a new struct, to which it returns a pointer.
func decodePayload(t JobType, data []byte, payload reflect.Type) (any, error) {
	p := reflect.New(payload).Interface()
	var err error
	if generated, ok := p.(codec.Payload); ok {
		err = codec.Unmarshal(data, generated)
	} else {
		err = json.Unmarshal(data, p)
	}
	if err != nil {
		return nil, decodeError(t, err)
	}
	return p, nil
}

// decodeError says where a payload did not decode, and nothing of what is in
// it: the error becomes the reason of a failure, which is kept and logged where
// payloads are not.
func decodeError(t JobType, err error) error {
	var written *codec.Error
	var mismatch *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &written):
		return &PayloadError{Type: t, Field: written.Path, Err: fmt.Errorf("decode: %w", written.Err)}
	case errors.As(err, &mismatch):
		kind, _, _ := strings.Cut(mismatch.Value, " ") // a number comes with its digits
		return &PayloadError{Type: t, Field: mismatch.Field, Err: fmt.Errorf("decode: a JSON %s does not fit a Go %v", kind, mismatch.Type)}
	case errors.As(err, &syntax):
		return &PayloadError{Type: t, Err: fmt.Errorf("decode: it is no JSON from byte %d on", syntax.Offset)}
	}
	return &PayloadError{Type: t, Err: fmt.Errorf("decode: %w", &codec.RefusedError{Err: err})}
}
