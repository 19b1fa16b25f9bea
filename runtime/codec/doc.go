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
// for byte, but for one thing: a required list, map or bytes that is nil is
// written as an empty one, not as null.
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
// A value that an error left half read is to be thrown away.
package codec
