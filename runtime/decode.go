package runtime

import (
	"fmt"
	"reflect"

	"github.com/jobgen/jobgen/runtime/codec"
)

// decodePayload reads data into a new struct, to which it returns a pointer.
func decodePayload(t JobType, data []byte, payload reflect.Type) (any, error) {
	p := reflect.New(payload).Interface()
	var err error
	if generated, ok := p.(codec.Payload); ok {
		err = codec.Unmarshal(data, generated)
	} else {
		err = codec.UnmarshalGo(data, p)
	}
	if err != nil {
		return nil, decodeError(t, err)
	}
	return p, nil
}

// decodeError says where a payload did not decode, and nothing of what is in
// it, as package codec does: the error becomes the reason of a failure, which is
// kept and logged where payloads are not.
func decodeError(t JobType, err error) error {
	if where, ok := err.(*codec.Error); ok {
		return &PayloadError{Type: t, Field: where.Path, Err: fmt.Errorf("decode: %w", where.Err)}
	}
	return &PayloadError{Type: t, Err: fmt.Errorf("decode: %w", err)}
}
