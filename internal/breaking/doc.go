// Package breaking reports breaking changes of a jobs.yaml: the numbered rules,
// the comparison of two payloads and of two files by them, and what stored
// payloads a file can read. It reads no database and decides on no version:
// internal/lock does that, with what this package finds.
package breaking
