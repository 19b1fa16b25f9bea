// Package codec writes payloads as JSON and reads them back, without
// reflection. Generated code describes each struct once, in a method that
// visits its fields in order, and the same description serves both ways:
//
//	func (p *EmailJob) JSONFields(c *codec.Codec) {
//		codec.Required(c, "account_id", &p.AccountID, codec.Snowflake)
//		codec.Optional(c, "subject", &p.Subject, codec.String)
//	}
//
// What it writes is what encoding/json writes with SetEscapeHTML(false), byte
// for byte, but for two things: a required list, map or bytes that is nil is
// written as an empty one, not as null, and a time in a zone whose offset has
// seconds, which encoding/json would move, is written in UTC. Inside a Go type
// such a time is an error.
//
// What it writes, every store can keep: a NUL in text, text that is not UTF-8,
// more than [MaxSize] bytes and more than [MaxDepth] levels are errors.
//
// It reads strictly where encoding/json is lax. Keys have to match letter by
// letter. A required field that is missing or null is an error; null is
// accepted for what is optional, where it means absent, and, since encoding/json
// writes nil so, for a list, a map and bytes. Text that is not UTF-8 or holds
// half of a surrogate pair is an error, not U+FFFD. As in encoding/json, the
// order of keys is free, those that no field has are skipped, and of a key that
// is there twice the last counts, but it replaces the first and is not merged
// into it.
//
// Go types without a description, and payloads of which nothing else is known
// ([AppendGo], [UnmarshalGo]), are written and read by encoding/json, and held
// to the same: what it wrote has to be what a store keeps. A method of theirs
// that panics is a [*PanicError].
//
// A value that an error left half read is to be thrown away.
package codec
