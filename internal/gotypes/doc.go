// Package gotypes is the Go side of a jobs.yaml: the Go name of each thing in
// it, checked against every other, and the imported Go types, found with
// go/packages. What it returns is everything that internal/emit needs; it
// writes no code itself.
package gotypes
