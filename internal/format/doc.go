// Package format writes a jobs.yaml in the one form that all have, which is what
// jobgen fmt does: the order of keys, empty lines and the place of comments. It
// changes nothing of what a file says.
package format
