// Package schema is the checked model of a jobs.yaml, in which every value knows
// its place, and the language: which keys there are, what they hold, and which
// options a job has. It knows nothing of Go source: whether names and types work
// out there, internal/gotypes says.
package schema
