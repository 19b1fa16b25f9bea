package codec

import (
	"maps"
	"slices"
)

// Struct is the object of a struct whose fields are visited by fields.
func Struct[T any](fields func(*T, *Codec)) Value[T] {
	return func(c *Codec, v *T) { visit(c, func(c *Codec) { fields(v, c) }) }
}

// List is an array.
func List[T any](value Value[T]) Value[[]T] {
	return func(c *Codec, v *[]T) { list(c, v, value) }
}

func list[T any](c *Codec, v *[]T, value Value[T]) {
	if !c.writing && c.literal("null") {
		*v = nil
		return
	}
	if !c.enter() {
		return
	}
	if c.writing {
		c.data = append(c.data, '[')
		for i := range *v {
			if i > 0 {
				c.data = append(c.data, ',')
			}
			if value(c, &(*v)[i]); c.err != nil || !c.limit(0) {
				c.withinIndex(i)
				return
			}
		}
		c.data = append(c.data, ']')
	} else {
		*v = readList(c, value)
	}
	c.depth--
}

func readList[T any](c *Codec, value Value[T]) []T {
	if !c.open('[', "an array") {
		return nil
	}
	if c.space(); c.peek() == ']' {
		c.at++
		return []T{}
	}
	var all []T
	for {
		all = append(all, *new(T))
		if value(c, &all[len(all)-1]); c.err != nil {
			c.withinIndex(len(all) - 1)
			return nil
		}
		c.space()
		switch c.peek() {
		case ']':
			c.at++
			return all
		case ',':
			c.at++
			c.space()
		default:
			c.syntax("a comma or the array's end")
			return nil
		}
	}
}

// Map is an object whose keys are free. They are written in order.
func Map[T any](value Value[T]) Value[map[string]T] {
	return func(c *Codec, v *map[string]T) { mapping(c, v, value) }
}

func mapping[T any](c *Codec, v *map[string]T, value Value[T]) {
	if !c.writing && c.literal("null") {
		*v = nil
		return
	}
	if !c.enter() {
		return
	}
	if c.writing {
		writeMap(c, *v, value)
	} else {
		*v = readMap(c, value)
	}
	c.depth--
}

func writeMap[T any](c *Codec, m map[string]T, value Value[T]) {
	if len(m) == 0 {
		c.data = append(c.data, "{}"...)
		return
	}
	c.data = append(c.data, '{')
	keys := slices.AppendSeq(make([]string, 0, len(m)), maps.Keys(m))
	slices.Sort(keys)
	v := new(T)
	for i, key := range keys {
		if i > 0 {
			c.data = append(c.data, ',')
		}
		if c.appendString(key); c.err == nil {
			c.data = append(c.data, ':')
			*v = m[key]
			value(c, v)
		}
		if c.err != nil || !c.limit(0) {
			c.within(key)
			return
		}
	}
	c.data = append(c.data, '}')
}

// anyKey stands for the key of a map in the path of an error of reading: it is
// not the struct's but the payload's.
const anyKey = "*"

func readMap[T any](c *Codec, value Value[T]) map[string]T {
	if !c.open('{', "an object") {
		return nil
	}
	outer := c.object
	c.object = object{}
	m := map[string]T{}
	for c.firstKey(); c.err == nil && !c.object.done; {
		key := string(c.object.key)
		v := new(T)
		value(c, v)
		m[key] = *v
		c.leave(anyKey)
	}
	c.object = outer
	return m
}

// Nullable is null where the pointer is nil.
func Nullable[T any](value Value[T]) Value[*T] {
	return func(c *Codec, v **T) {
		switch {
		case !c.writing:
			readPointer(c, v, value)
		case *v == nil:
			c.data = append(c.data, "null"...)
		default:
			value(c, *v)
		}
	}
}

// NullableSlice is null where the slice is nil.
func NullableSlice[S ~[]E, E any](value Value[S]) Value[S] {
	return func(c *Codec, v *S) {
		if c.writing && *v == nil {
			c.data = append(c.data, "null"...)
			return
		}
		value(c, v)
	}
}

// NullableMap is null where the map is nil.
func NullableMap[M ~map[string]E, E any](value Value[M]) Value[M] {
	return func(c *Codec, v *M) {
		if c.writing && *v == nil {
			c.data = append(c.data, "null"...)
			return
		}
		value(c, v)
	}
}

// readPointer reads what may be null.
func readPointer[T any](c *Codec, v **T, value Value[T]) {
	if c.literal("null") {
		*v = nil
		return
	}
	*v = new(T)
	value(c, *v)
}
