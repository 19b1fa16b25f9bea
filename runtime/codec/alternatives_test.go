package codec

import (
	"testing"

	"github.com/bwmarrin/snowflake"
)

// The two other shapes that generated code could have, measured against the
// one it has: straight code without generic functions, and a table with
// functions for each field. All three use the same reading and writing of
// values.

type email struct {
	AccountID snowflake.ID
	EmailID   string
}

const emailJSON = `{"account_id":"1852347861234567890","email_id":"welcome-2024-11-26"}`

func (p *email) JSONFields(c *Codec) {
	Required(c, "account_id", &p.AccountID, Snowflake)
	Required(c, "email_id", &p.EmailID, String)
}

// straight is email by straight code.
type straight email

func (p *straight) JSONFields(c *Codec) {
	if c.writing {
		c.data = append(c.data, `"account_id":`...)
		Snowflake(c, &p.AccountID)
		c.data = append(c.data, `,"email_id":`...)
		String(c, &p.EmailID)
		return
	}
	if c.object.end {
		switch {
		case c.object.seen&1 == 0:
			c.fail(errMissing)
			c.within("account_id")
		case c.object.seen&2 == 0:
			c.fail(errMissing)
			c.within("email_id")
		}
		return
	}
	c.object.some, c.object.index = true, 2
	for c.err == nil && !c.object.done {
		switch string(c.object.key) {
		case "account_id":
			c.object.mark(0)
			Snowflake(c, &p.AccountID)
			c.leave("account_id")
		case "email_id":
			c.object.mark(1)
			String(c, &p.EmailID)
			c.leave("email_id")
		default:
			c.skip()
			c.nextKey()
		}
	}
}

// tabled is email by a table.
type tabled email

type tableField[P any] struct {
	key      string
	required bool
	visit    func(c *Codec, p *P)
}

func column[P, T any](key string, at func(*P) *T, value Value[T]) tableField[P] {
	return tableField[P]{key, true, func(c *Codec, p *P) { value(c, at(p)) }}
}

var emailTable = []tableField[tabled]{
	column("account_id", func(p *tabled) *snowflake.ID { return &p.AccountID }, Snowflake),
	column("email_id", func(p *tabled) *string { return &p.EmailID }, String),
}

func (p *tabled) JSONFields(c *Codec) {
	if c.writing {
		for i := range emailTable {
			f := &emailTable[i]
			if i > 0 {
				c.data = append(c.data, ',')
			}
			c.data = append(append(append(c.data, '"'), f.key...), '"', ':')
			f.visit(c, p)
		}
		return
	}
	for i := range emailTable {
		f := &emailTable[i]
		switch c.find(f.key) {
		case here:
			f.visit(c, p)
			c.leave(f.key)
		case missing:
			c.fail(errMissing)
			c.within(f.key)
		}
	}
}

func BenchmarkShapes(b *testing.B) {
	for name, shape := range map[string]struct {
		write func(dst []byte) ([]byte, error)
		read  func(data []byte) error
	}{
		"visitor":  shapeOf(&email{AccountID: 1852347861234567890, EmailID: "welcome-2024-11-26"}),
		"straight": shapeOf(&straight{AccountID: 1852347861234567890, EmailID: "welcome-2024-11-26"}),
		"table":    shapeOf(&tabled{AccountID: 1852347861234567890, EmailID: "welcome-2024-11-26"}),
	} {
		if data, err := shape.write(nil); err != nil || string(data) != emailJSON {
			b.Fatalf("%s: %s, %v", name, data, err)
		}
		b.Run("write/"+name, func(b *testing.B) {
			var dst []byte
			for b.Loop() {
				dst, _ = shape.write(dst[:0])
			}
		})
		b.Run("read/"+name, func(b *testing.B) {
			data := []byte(emailJSON)
			for b.Loop() {
				if err := shape.read(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func shapeOf[P any, G interface {
	*P
	Payload
}](p G) (shape struct {
	write func(dst []byte) ([]byte, error)
	read  func(data []byte) error
},
) {
	shape.write = func(dst []byte) ([]byte, error) { return Append(dst, p) }
	shape.read = func(data []byte) error { return Unmarshal(data, G(new(P))) }
	return shape
}
