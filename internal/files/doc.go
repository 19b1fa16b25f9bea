// Package files finds, compares and writes the files of a Go module. It is the
// one way in which jobgen changes a file: as a whole, only where its content
// differs, and with the line ends that it has.
package files
