package codec

// An object is how far the pass is with one object.
type object struct {
	key   []byte // that was read last, and whose value comes next
	index int    // of the next field that is visited
	seen  uint64 // fields that were read, by index
	more  []bool // the same from index 64 on
	count int    // of the fields that were read
	some  bool   // writing: a field has been written; reading: this round has read one
	done  bool   // its end was read
	end   bool   // this round looks for fields that were not read
}

func (o *object) has(i int) bool {
	if i < 64 {
		return o.seen&(1<<i) != 0
	}
	return i-64 < len(o.more) && o.more[i-64]
}

func (o *object) mark(i int) {
	switch {
	case o.has(i):
		return
	case i < 64:
		o.seen |= 1 << i
	default:
		o.more = append(o.more, make([]bool, max(0, i-63-len(o.more)))...)
		o.more[i-64] = true
	}
	o.count++
}

// visit writes an object, or reads it: fields is called in rounds, in each of
// which every field compares its key with the one that was read last. Keys in
// the order of the fields, in which they are written, take one round.
func visit(c *Codec, fields func(*Codec)) {
	if c.err != nil || !c.enter() {
		return
	}
	outer := c.object
	c.object = object{}
	if c.writing {
		c.data = append(c.data, '{')
		fields(c)
		c.data = append(c.data, '}')
	} else if c.open('{', "an object") {
		c.firstKey()
		for !c.object.done && c.err == nil {
			c.object.index, c.object.some = 0, false
			if fields(c); !c.object.some && c.err == nil {
				if c.skip(); c.err != nil {
					c.within(string(c.object.key))
				} else {
					c.nextKey()
				}
			}
		}
		if c.err == nil && (c.object.index == 0 || c.object.count < c.object.index) {
			c.object.index, c.object.end = 0, true
			fields(c)
		}
	}
	c.object = outer
	c.depth--
}

// What a round finds of a field while reading.
type found int

const (
	elsewhere found = iota // nothing to do in this round
	here                   // its value comes next
	missing                // the object has no such key
)

// find says what becomes of the next field.
func (c *Codec) find(key string) found {
	o := &c.object
	i := o.index
	o.index++
	switch {
	case c.err != nil:
	case o.end:
		if c.described != nil {
			*c.described = append(*c.described, Field{Name: key})
			return missing
		}
		if !o.has(i) {
			return missing
		}
	case !o.done && string(o.key) == key:
		o.mark(i)
		o.some = true
		return here
	}
	return elsewhere
}

// leave ends a field whose value was read.
func (c *Codec) leave(key string) {
	if c.err != nil {
		c.within(key)
		return
	}
	c.nextKey()
}

// write writes a field.
func write[T any](c *Codec, key string, v *T, value Value[T]) {
	if c.err != nil {
		return
	}
	if c.object.some {
		c.data = append(c.data, ',')
	}
	c.object.some = true
	c.data = append(append(append(c.data, '"'), key...), '"', ':') // no key has a letter to escape
	if value(c, v); c.err != nil || !c.limit(0) {
		c.within(key)
	}
}

// Required visits a field that is always written and has to be there when it is
// read.
func Required[T any](c *Codec, key string, v *T, value Value[T]) {
	if c.writing {
		write(c, key, v, value)
		return
	}
	switch c.find(key) {
	case here:
		value(c, v)
		c.leave(key)
	case missing:
		if c.described != nil {
			(*c.described)[len(*c.described)-1].Required = true
			return
		}
		c.fail(errMissing)
		c.within(key)
	}
}

// Default visits a field that is always written and, where it is missing, is
// read as def.
func Default[T any](c *Codec, key string, v *T, value Value[T], def T) {
	if c.writing {
		write(c, key, v, value)
		return
	}
	switch c.find(key) {
	case here:
		value(c, v)
		c.leave(key)
	case missing:
		*v = def
	}
}

// Optional visits a field that is left out where it is nil, and is nil where it
// is missing or null.
func Optional[T any](c *Codec, key string, v **T, value Value[T]) {
	if c.writing {
		if *v != nil {
			write(c, key, *v, value)
		}
		return
	}
	switch c.find(key) {
	case here:
		readPointer(c, v, value)
		c.leave(key)
	case missing:
		*v = nil
	}
}

// OptionalSlice is Optional for bytes and json, which are slices in Go: one is
// left out where it is nil, and written where it is empty.
func OptionalSlice[S ~[]E, E any](c *Codec, key string, v *S, value Value[S]) {
	orNil(c, key, v, *v == nil, value)
}

// orNil visits a field whose type has a nil of its own.
func orNil[T any](c *Codec, key string, v *T, isNil bool, value Value[T]) {
	if c.writing {
		if !isNil {
			write(c, key, v, value)
		}
		return
	}
	switch c.find(key) {
	case here:
		value(c, v)
		c.leave(key)
	case missing:
		*v = *new(T)
	}
}

// RequiredList is Required for a list of values.
//
// As are the other three, it is not inlined: the compiler would make a function
// of its own for each field of that kind, of which there are many.
//
//go:noinline
func RequiredList[E any](c *Codec, key string, v *[]E, value Value[E]) {
	Required(c, key, v, func(c *Codec, v *[]E) { list(c, v, value) })
}

// OptionalList is OptionalSlice for a list of values.
//
//go:noinline
func OptionalList[E any](c *Codec, key string, v *[]E, value Value[E]) {
	orNil(c, key, v, *v == nil, func(c *Codec, v *[]E) { list(c, v, value) })
}

// RequiredMap is Required for a map to values.
//
//go:noinline
func RequiredMap[E any](c *Codec, key string, v *map[string]E, value Value[E]) {
	Required(c, key, v, func(c *Codec, v *map[string]E) { mapping(c, v, value) })
}

// OptionalMap is OptionalSlice for a map to values.
//
//go:noinline
func OptionalMap[E any](c *Codec, key string, v *map[string]E, value Value[E]) {
	orNil(c, key, v, *v == nil, func(c *Codec, v *map[string]E) { mapping(c, v, value) })
}

// firstKey reads the first key of an object, or its end.
func (c *Codec) firstKey() {
	if c.space(); c.peek() == '}' {
		c.at++
		c.object.done = true
		return
	}
	c.readKey()
}

// nextKey reads the next key of an object, or its end.
func (c *Codec) nextKey() {
	c.space()
	switch c.peek() {
	case '}':
		c.at++
		c.object.done = true
	case ',':
		c.at++
		c.space()
		c.readKey()
	default:
		c.syntax("a comma or the object's end")
	}
}

func (c *Codec) readKey() {
	if c.peek() != '"' {
		c.syntax("a key")
		return
	}
	c.object.key = c.text()
	if c.space(); c.err == nil && c.peek() != ':' {
		c.syntax("a colon")
		return
	}
	c.at++
	c.space()
}
