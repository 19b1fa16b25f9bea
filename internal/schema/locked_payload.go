package schema

import "github.com/jobgen/jobgen/internal/yaml"

// CheckJobName reports what is wrong with key as the name of a job.
func CheckJobName(r *yaml.Reader, key Text, what string) {
	b := &builder{Reader: r, file: &File{}}
	b.checkName(key, what, dottedName)
}

// A PayloadSections holds the entries of one version of a payload in a
// jobs.lock; nil for those that are missing.
type PayloadSections struct {
	Payload, Removed, Types, Reserved *yaml.Entry
}

// Read gives p the fields and types of the version that is named what in
// messages.
func (s PayloadSections) Read(r *yaml.Reader, p *Payload, what string) {
	b := &builder{Reader: r, file: &File{}, inLock: true}
	if s.Reserved != nil {
		p.Reserved = b.reserved(s.Reserved.Value, what)
	}
	if s.Types != nil {
		b.readTypes(*s.Types)
		p.Types = b.file.Types
	}
	if s.Payload != nil {
		p.Fields = b.fields(s.Payload.Value, "the payload of "+what)
	}
	if s.Removed != nil {
		p.Gone = b.fields(s.Removed.Value, "what is removed of "+what)
	}
	b.checkStored(p.Fields, p.Reserved, what)
	b.finish()
}
