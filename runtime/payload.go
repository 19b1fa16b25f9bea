package runtime

import (
	"fmt"
	"reflect"

	"github.com/jobgen/jobgen/runtime/codec"
)

// encodeError names the field that err is about.
func encodeError(t JobType, err error, limit int) error {
	var field string
	if where, ok := err.(*codec.Error); ok { // what is in it may have methods of the user
		field, err = where.Path, where.Err
	}
	if large, ok := err.(*codec.SizeError); ok {
		err = tooLarge(large.Size, limit)
	}
	return &PayloadError{Type: t, Field: field, Err: err}
}

func checkSize(t JobType, size, limit int) error {
	if size > limit {
		return &PayloadError{Type: t, Err: tooLarge(size, limit)}
	}
	return nil
}

func tooLarge(size, limit int) error {
	return &TooLargeError{What: "the payload as JSON", Size: size, Max: limit, Unit: "bytes"}
}

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
		return &PayloadError{Type: t, Field: where.Path, Err: fmt.Errorf("decode: %w", where.Err), garbage: true}
	}
	return &PayloadError{Type: t, Err: fmt.Errorf("decode: %w", err), garbage: true}
}

// isGarbage reports whether err says that the data is not a payload of the type
// and version that it is stored as. Another attempt of this program would meet
// the same, unlike where an upgrade failed, which is the user's code and may look
// something up. That data is of a version which this program does not know is no
// such error: a worker does not claim it.
func isGarbage(err error) bool {
	payload, ok := err.(*PayloadError) // not errors.As: what an upgrade returns is wrapped
	return ok && payload.garbage
}
