// Package fieldtype is the table of the built-in types that a field in jobs.yaml
// can have: one row for each, with everything that any part of the generator
// knows of it. The reader of jobs.yaml, the Go side, the code of payloads, the
// comparison of payloads and JSON Schema loop over it, and none of them names a
// type. It knows nothing of YAML or of what is made of types, such as lists.
package fieldtype
