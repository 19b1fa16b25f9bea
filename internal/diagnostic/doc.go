// Package diagnostic says what can be wrong with a jobs.yaml: the numbered
// rules, and a mistake against one of them with its place. It finds no mistakes
// itself: internal/schema does by reading, internal/gotypes by looking at Go.
package diagnostic
