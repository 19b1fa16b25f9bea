package pgproxy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A message is one unit of PostgreSQL's protocol. Of a long one only the
// beginning is here; the rest is still to be read.
type message struct {
	kind byte   // 0 for the first message of a connection, which has no type
	raw  []byte // as it was sent, with type and length
	rest int64  // bytes that follow raw
}

// keep is how much of a message is looked at. Longer ones pass in pieces, so
// that a payload of a hundred megabytes is not held.
const keep = 64 << 10

// body is what follows type and length, as far as it is here.
func (m message) body() []byte {
	if m.kind == 0 {
		return m.raw[4:]
	}
	return m.raw[5:]
}

// readMessage reads a message with a type.
func readMessage(r io.Reader) (message, error) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(r, head); err != nil {
		return message{}, err
	}
	return readBody(r, head[0], head)
}

// readFirst reads a message without one.
func readFirst(r io.Reader) (message, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(r, head); err != nil {
		return message{}, err
	}
	return readBody(r, 0, head)
}

func readBody(r io.Reader, kind byte, head []byte) (message, error) {
	length := int64(binary.BigEndian.Uint32(head[len(head)-4:])) - 4
	if length < 0 {
		return message{}, fmt.Errorf("a message of type %q has a length of %d bytes", kind, length+4)
	}
	here := min(length, keep)
	raw := make([]byte, int64(len(head))+here)
	copy(raw, head)
	if _, err := io.ReadFull(r, raw[len(head):]); err != nil {
		return message{}, noEOF(err)
	}
	return message{kind: kind, raw: raw, rest: length - here}, nil
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Requests that come in place of a startup message.
const (
	sslRequest    = 80877103
	gssencRequest = 80877104
	cancelRequest = 80877102
)

// request is the code of a first message: one of the above, or the version of
// the protocol.
func (m message) request() uint32 {
	if len(m.body()) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(m.body())
}

// parameter is what a startup message says of that.
func (m message) parameter(name string) string {
	if len(m.body()) < 4 {
		return ""
	}
	for rest := m.body()[4:]; len(rest) > 0; {
		var key, value string
		key, rest = text(rest)
		value, rest = text(rest)
		if key == name {
			return value
		}
	}
	return ""
}

// text cuts the text up to the next NUL off b.
func text(b []byte) (string, []byte) {
	for i, c := range b {
		if c == 0 {
			return string(b[:i]), b[i+1:]
		}
	}
	return string(b), nil
}
