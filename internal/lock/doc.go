// Package lock keeps jobs.lock, which lists every version of every payload that
// a job in a database may have. It says which version the payloads of a
// jobs.yaml are at, refuses a change that needs a version of its own and has
// none, and writes the file. What of two payloads reads the other,
// internal/breaking says.
package lock
