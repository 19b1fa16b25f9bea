package fieldtype

import (
	"errors"
	"slices"

	"github.com/jobgen/jobgen/runtime/codec"
)

// only is the payload of one field.
type only[T any] struct {
	v     *T
	value codec.Value[T]
}

func (o only[T]) JSONFields(c *codec.Codec) { codec.Required(c, "", o.v, o.value) }

// read returns what reads a value of its own: a codec reads objects, so it is
// put into one.
func read[T any](value codec.Value[T]) func([]byte) error {
	return func(data []byte) error {
		object := slices.Concat([]byte(`{"":`), data, []byte("}"))
		err := codec.Unmarshal(object, only[T]{new(T), value})
		var wrong *codec.Error
		if errors.As(err, &wrong) {
			return wrong.Err
		}
		return err
	}
}
