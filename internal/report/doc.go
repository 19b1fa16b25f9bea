// Package report tells the user of a command what is wrong with files, as text,
// JSON or workflow commands of GitHub, and how far a long look at something is.
package report
