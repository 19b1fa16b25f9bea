package codec

// A Field is one field of a payload, as its JSON has it.
type Field struct {
	Name string
	// Required says that a payload without the field cannot be read.
	Required bool
}

// Describe returns the fields of p in the order in which they are written.
func Describe(p Payload) []Field {
	fields := []Field{}
	c := &Codec{described: &fields}
	c.object.end = true // every field is asked for, and none has been read
	c.pass(func(c *Codec) { p.JSONFields(c) })
	return fields
}
