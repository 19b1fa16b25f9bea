// Package sqlite is the embedded durable back end: queues in one SQLite file
// that several processes of one machine may share, without a server and
// without cgo. The application may keep its own tables in the same file, and
// write both in one transaction.
//
// All writes of a process go through one connection, and those that come at
// the same time share a commit. docs/operate/sqlite.md is the operating guide.
package sqlite
