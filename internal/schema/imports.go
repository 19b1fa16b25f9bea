package schema

// NamesGoTypes reports whether a field of the file has a Go type, so that what
// is made of the file depends on packages elsewhere.
func (f *File) NamesGoTypes() bool {
	in := func(fields []*Field) bool {
		for _, field := range fields {
			for ref := field.Type; ref != nil; ref = ref.elem() {
				if ref.Name != "" {
					return true
				}
			}
		}
		return false
	}
	for _, t := range f.Types {
		if in(t.Fields) {
			return true
		}
	}
	for _, job := range f.Jobs {
		if in(job.Payload) {
			return true
		}
	}
	return false
}

// elem returns the type of a list's elements or of a map's values, nil of what
// is neither.
func (r *Ref) elem() *Ref {
	if r.List != nil {
		return r.List
	}
	return r.Map
}
