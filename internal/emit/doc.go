// Package emit turns a checked jobs.yaml, a [gotypes.Package], into Go files
// and keeps them on disk: [Files] makes the code, [Write] brings a directory up
// to date with it and [Diff] says how far a directory is from it.
//
// It decides nothing about names and knows nothing of YAML. The code it makes
// is thin: every body is a call into package runtime.
package emit
