// Package repo tests the repository itself: which packages may be built with
// what, that every document's links lead somewhere, and that its code compiles
// and runs. It holds nothing but tests, which run in the repository's root.
package repo
