// Package format formats a jobs.yaml, which is what jobgen fmt does: the order
// of keys, empty lines and the place of comments. It does not change the
// meaning of a file.
package format
