// Package memory is the reference back end: all of the runtime's queue
// behaviour in plain maps under one mutex, with transactions and a clock that can
// be set. Read it to learn what a queue does, use it in tests, and compare the
// other back ends with it. Nothing in it lasts longer than the process.
package memory
