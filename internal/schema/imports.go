package schema

import "slices"

// NamesGoTypes reports whether a field of the file, or of what its lock keeps,
// has a Go type, so that what is made of it depends on packages elsewhere.
func (f *File) NamesGoTypes() bool {
	jobs := slices.ContainsFunc(f.Jobs, func(job *Job) bool { return nameGoTypes(job.Payload) })
	if jobs || typesNameGoTypes(f.Types) {
		return true
	}
	return f.Lock != nil && slices.ContainsFunc(f.Lock.Jobs, func(job *LockedJob) bool {
		return slices.ContainsFunc(job.Versions, func(p *Payload) bool { return nameGoTypes(p.Fields) || typesNameGoTypes(p.Types) })
	})
}

func typesNameGoTypes(types []*Type) bool {
	return slices.ContainsFunc(types, func(t *Type) bool { return nameGoTypes(t.Fields) })
}

func nameGoTypes(fields []*Field) bool {
	for _, field := range fields {
		for ref := field.Type; ref != nil; ref = ref.elem() {
			if ref.Name != "" {
				return true
			}
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
