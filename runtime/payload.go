package runtime

import (
	"bytes"
	"sync"

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

// maxKept is the size of the largest buffer that is kept for another payload,
// or one large payload would be held for good.
const maxKept = 64 << 10

var payloadBuffers = sync.Pool{New: func() any { return new([]byte) }}

// encodePayload returns the payload as JSON, in no more memory than it needs.
func encodePayload(def *Definition, payload any, limit int) ([]byte, error) {
	buf := payloadBuffers.Get().(*[]byte)
	data, err := def.encode((*buf)[:0], payload, limit)
	if cap(data) <= maxKept {
		*buf = data
		defer payloadBuffers.Put(buf) // once data has been copied
	}
	if err != nil {
		return nil, err
	}
	return bytes.Clone(data), nil
}
