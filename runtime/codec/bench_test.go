package codec_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime/codec"
)

// Three payloads: the e-mail of the README, one of some 200 bytes in five
// fields, and one with structs in lists and maps.

type email struct {
	AccountID snowflake.ID `json:"account_id"`
	EmailID   string       `json:"email_id"`
}

func (p *email) JSONFields(c *codec.Codec) {
	codec.Required(c, "account_id", &p.AccountID, codec.Snowflake)
	codec.Required(c, "email_id", &p.EmailID, codec.String)
}

type invoice struct {
	CustomerID snowflake.ID `json:"customer_id"`
	Address    string       `json:"address"`
	Amount     float64      `json:"amount"`
	Items      int32        `json:"items"`
	Issued     time.Time    `json:"issued"`
}

func (p *invoice) JSONFields(c *codec.Codec) {
	codec.Required(c, "customer_id", &p.CustomerID, codec.Snowflake)
	codec.Required(c, "address", &p.Address, codec.String)
	codec.Required(c, "amount", &p.Amount, codec.Float64)
	codec.Required(c, "items", &p.Items, codec.Int32)
	codec.Required(c, "issued", &p.Issued, codec.Time)
}

type order struct {
	ID     snowflake.ID      `json:"id"`
	Lines  []line            `json:"lines"`
	Labels map[string]string `json:"labels"`
	ShipTo *address          `json:"ship_to,omitempty"`
	Tags   []string          `json:"tags,omitzero"`
}

type line struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

type address struct {
	Street string   `json:"street"`
	Next   *address `json:"next,omitempty"`
}

func (p *order) JSONFields(c *codec.Codec) {
	codec.Required(c, "id", &p.ID, codec.Snowflake)
	codec.RequiredList(c, "lines", &p.Lines, codec.Struct((*line).JSONFields))
	codec.RequiredMap(c, "labels", &p.Labels, codec.String)
	codec.Optional(c, "ship_to", &p.ShipTo, codec.Struct((*address).JSONFields))
	codec.OptionalList(c, "tags", &p.Tags, codec.String)
}

func (p *line) JSONFields(c *codec.Codec) {
	codec.Required(c, "name", &p.Name, codec.String)
	codec.Required(c, "count", &p.Count, codec.Int)
}

func (p *address) JSONFields(c *codec.Codec) {
	codec.Required(c, "street", &p.Street, codec.String)
	codec.Optional(c, "next", &p.Next, codec.Struct((*address).JSONFields))
}

var (
	anEmail   = email{AccountID: 1852347861234567890, EmailID: "welcome-2024-11-26"}
	anInvoice = invoice{
		CustomerID: 1852347861234567890, Address: "Große Straße 17, 10115 Berlin, Germany; rear building, third floor, left",
		Amount: 1234.56, Items: 12, Issued: time.Date(2026, 11, 26, 15, 4, 5, 123456789, time.UTC),
	}
	anOrder = order{
		ID: 1852347861234567890, Lines: []line{{"apple", 3}, {"pear", 12}, {"plum \"late\"", 144}},
		Labels: map[string]string{"colour": "green", "origin": "Werder", "grade": "I"},
		ShipTo: &address{Street: "A", Next: &address{Street: "B"}}, Tags: []string{"fresh", "fragile"},
	}
)

type generated[P any] interface {
	*P
	codec.Payload
}

// bench measures P, and as control plain, the same struct without methods.
func bench[P any, G generated[P], Plain any](b *testing.B, v P, plain Plain) {
	data, err := codec.Append(nil, G(&v))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("write/generated", func(b *testing.B) {
		b.ReportAllocs()
		var dst []byte
		for b.Loop() {
			dst, _ = codec.Append(dst[:0], G(&v))
		}
	})
	b.Run("write/encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false)
		for b.Loop() {
			buf.Reset()
			_ = enc.Encode(&plain)
		}
	})
	b.Run("read/generated", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var p P
			if err := codec.Unmarshal(data, G(&p)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read/encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var p Plain
			if err := json.Unmarshal(data, &p); err != nil {
				b.Fatal(err)
			}
		}
	})
}

type (
	plainEmail   email
	plainInvoice invoice
	plainOrder   struct {
		ID     snowflake.ID      `json:"id"`
		Lines  []line            `json:"lines"`
		Labels map[string]string `json:"labels"`
		ShipTo *address          `json:"ship_to,omitempty"`
		Tags   []string          `json:"tags,omitzero"`
	}
)

func BenchmarkEmail(b *testing.B)   { bench(b, anEmail, plainEmail(anEmail)) }
func BenchmarkInvoice(b *testing.B) { bench(b, anInvoice, plainInvoice(anInvoice)) }
func BenchmarkOrder(b *testing.B)   { bench(b, anOrder, plainOrder(anOrder)) }

func BenchmarkLongText(b *testing.B) {
	v := email{EmailID: strings.Repeat("one line of text, ", 500)}
	bench(b, v, plainEmail(v))
}
