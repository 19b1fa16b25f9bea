// Package schema reads a jobs.yaml into a checked model in which every value
// knows its place, and writes one in the form that all have. It knows the
// language and nothing of Go source: whether names and types work out there,
// internal/gotypes says.
package schema
