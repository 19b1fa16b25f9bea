// Package lock keeps jobs.lock, which lists every version of every payload that
// a job in a database may have. It reads and writes the file, says which version
// each payload of a jobs.yaml has, and refuses a change that needs a version of
// its own and does not have one. Package breaking says which payloads can be
// read as which. A lock is written in the language of jobs.yaml, so each version
// in it is read, compared and generated as a jobs.yaml is.
package lock
