// Package jsonschema holds tests and no code: a validator that others wrote reads
// the schemas that internal/jsonschema makes.
package jsonschema
