package value

import (
	"database/sql/driver"
	"encoding/hex"
	"fmt"
)

// A UUID is a 128-bit identifier, of whatever version. Its text, in JSON too,
// is canonical: "f81d4fae-7dec-11d0-a765-00a0c91e6bf6". UUIDs compare with ==
// and convert to and from any other [16]byte; the zero value is the nil UUID.
type UUID [16]byte

const uuidSize = 36 // bytes of its text

// ParseUUID reads the canonical text, in lower or upper case, and no other.
func ParseUUID(s string) (UUID, error) {
	var u UUID
	bad := len(s) != uuidSize
	if !bad {
		bad = s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-'
		var digits [2 * len(u)]byte
		copy(digits[:], s[:8])
		copy(digits[8:], s[9:13])
		copy(digits[12:], s[14:18])
		copy(digits[16:], s[19:23])
		copy(digits[20:], s[24:])
		_, err := hex.Decode(u[:], digits[:])
		bad = bad || err != nil
	}
	if bad {
		return UUID{}, fmt.Errorf("uuid %.60q: text such as f81d4fae-7dec-11d0-a765-00a0c91e6bf6 is needed", s)
	}
	return u, nil
}

// IsZero reports whether u is the nil UUID.
func (u UUID) IsZero() bool { return u == UUID{} }

// String returns the canonical text, in lower case.
func (u UUID) String() string {
	text, _ := u.AppendText(make([]byte, 0, uuidSize))
	return string(text)
}

// MarshalText returns the canonical text; the error is nil.
func (u UUID) MarshalText() ([]byte, error) { return u.AppendText(nil) }

// AppendText is MarshalText into the space that b has left.
func (u UUID) AppendText(b []byte) ([]byte, error) {
	for i, digits := range [][]byte{u[:4], u[4:6], u[6:8], u[8:10], u[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, digits)
	}
	return b, nil
}

// UnmarshalText is ParseUUID.
func (u *UUID) UnmarshalText(text []byte) error {
	parsed, err := ParseUUID(string(text))
	if err == nil {
		*u = parsed
	}
	return err
}

// Value gives database/sql the canonical text, which a uuid column takes.
func (u UUID) Value() (driver.Value, error) { return u.String(), nil }

// Scan reads a uuid column, canonical text or 16 bytes.
func (u *UUID) Scan(src any) error {
	switch v := src.(type) {
	case string:
		return u.UnmarshalText([]byte(v))
	case []byte:
		if len(v) == len(u) {
			copy(u[:], v)
			return nil
		}
		return u.UnmarshalText(v)
	case [16]byte:
		*u = v
		return nil
	}
	return scanError(src, "UUID")
}
