package codec

import (
	"errors"
	"fmt"
	"sync"
)

// MaxSize is how many bytes a payload may have as it is written, whatever lower
// limit its queue has. Reading has no limit of its own.
const MaxSize = 16 << 20

// MaxDepth is how many objects and arrays may lie in each other, written and
// read alike.
const MaxDepth = 1000

// An Error says what is wrong with a value or with its JSON, and where.
type Error struct {
	// Path is the place of the value, such as "to[2].name"; empty for the
	// payload as a whole. In an error of reading * stands for the key of a map,
	// which is not the struct's but the payload's. A path of more than 400 bytes
	// is cut short and ends in "…".
	Path string
	// Err says what is wrong.
	Err error
}

func (e *Error) Error() string {
	if e.Path == "" {
		return e.Err.Error()
	}
	return fmt.Sprintf("field %s: %v", e.Path, e.Err)
}

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// A SizeError says that a value brings the payload to more than [MaxSize] bytes.
type SizeError struct {
	// Size is how many bytes there would be so far.
	Size int
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("it brings the payload to %d bytes as JSON, more than the %d that it may have", e.Size, MaxSize)
}

// A RefusedError is the error of a type that did not take the JSON of its
// value, without its text, in which the value may stand: what is wrong with a
// payload is kept and logged where payloads are not.
type RefusedError struct {
	// Err is what the type said.
	Err error
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("its type refuses the value, with a %T", e.Err)
}

// Unwrap returns what the type said.
func (e *RefusedError) Unwrap() error { return e.Err }

// A Codec is one pass over a payload, which writes it or reads it. After its
// first error it does nothing more, so that fields need not look for one.
type Codec struct {
	data    []byte // what has been written, or is read
	at      int    // where the payload begins in data, or the next byte to read
	depth   int
	writing bool
	object  object // the innermost
	err     error
	path    string // of err, from the innermost object that has not been left

	described *[]Field // where Describe gathers the fields; nil in a pass over JSON
}

// A Value writes v, or reads it. Of what it read it keeps nothing of c.
type Value[T any] func(c *Codec, v *T)

var codecs = sync.Pool{New: func() any { return new(Codec) }}

// A Payload is a pointer to a struct that lists its fields, which is all that
// writing and reading it takes.
type Payload interface {
	// JSONFields visits the struct's fields in order, with one call for each of
	// Required, Optional and their like, the same ones each time.
	JSONFields(c *Codec)
}

// Append appends p to dst as JSON. On an error, an [*Error], it returns dst.
func Append(dst []byte, p Payload) ([]byte, error) {
	return appendValue(dst, func(c *Codec) { visit(c, p.JSONFields) })
}

func appendValue(dst []byte, value func(*Codec)) ([]byte, error) {
	c := codecs.Get().(*Codec)
	*c = Codec{data: dst, at: len(dst), writing: true}
	c.pass(value)
	c.limit(0)
	data, err := c.data, c.failure()
	*c = Codec{}
	codecs.Put(c)
	if err != nil {
		return dst, err
	}
	return data, nil
}

// Unmarshal reads data, which is the JSON of one object and nothing else, into
// p. It keeps nothing of data. Its errors are of type [*Error].
func Unmarshal(data []byte, p Payload) error {
	return unmarshalValue(data, func(c *Codec) { visit(c, p.JSONFields) })
}

func unmarshalValue(data []byte, value func(*Codec)) error {
	c := codecs.Get().(*Codec)
	*c = Codec{data: data}
	c.space()
	c.pass(value)
	c.space()
	if c.err == nil && c.at < len(c.data) {
		c.syntax("the end")
	}
	err := c.failure()
	*c = Codec{}
	codecs.Put(c)
	return err
}

// pass writes or reads the payload. What panics in it is a method that another
// has written, which must not end a process that has other jobs.
func (c *Codec) pass(value func(*Codec)) {
	var err error
	defer func() {
		if err != nil {
			c.fail(err)
		}
	}()
	defer recovered(&err)
	value(c)
}

// failure returns the pass's error with its path.
func (c *Codec) failure() error {
	if c.err == nil {
		return nil
	}
	return &Error{Path: c.path, Err: c.err}
}

// fail ends the pass.
func (c *Codec) fail(err error) {
	if c.err == nil {
		c.err, c.path = err, ""
	}
}

// within adds the key of an object to the path of an error that was met inside.
func (c *Codec) within(key string) { c.path = joinKey(key, c.path) }

// withinIndex is within for an element of an array.
func (c *Codec) withinIndex(i int) { c.path = joinIndex(i, c.path) }

// enter counts one more level, and reports whether it is allowed.
func (c *Codec) enter() bool {
	if c.depth >= MaxDepth {
		c.fail(errDepth)
		return false
	}
	c.depth++
	return true
}

// limit fails where what was written, and more bytes that are to come, are too
// many.
func (c *Codec) limit(more int) bool {
	if size := len(c.data) - c.at + more; size > MaxSize {
		c.fail(&SizeError{Size: size})
	}
	return c.err == nil
}

var (
	errDepth    = fmt.Errorf("it lies more than %d levels deep", MaxDepth)
	errMissing  = errors.New("it is required, and missing")
	errNUL      = errors.New("text holds a NUL character, which the store cannot keep")
	errUTF8     = errors.New("text is not valid UTF-8, which the store cannot keep")
	errReadUTF8 = errors.New("text is not valid UTF-8")
)
