// Package jsonschema writes JSON Schema, 2020-12: that of jobs.yaml itself, for
// editors, and that of a job's payload as the generated code stores it. It
// checks nothing against a schema.
package jsonschema
