// Package rolltest holds a test and no code: it builds an old and a new binary
// from two schemas for each of twenty changes of a schema, and deploys them,
// rolling forward and back under load, on one database. No job is lost, decoded
// wrongly or dead. The table of changes in docs/reference/breaking.md is made of its own.
package rolltest
