// Package postgres keeps jobs in PostgreSQL 15 or newer. Many processes share
// one database; its clock decides what is due and what has expired.
//
// Everything lives in one schema of its own, which Open makes and brings up to
// date. docs/operate/postgresql.md says what each table is for and how to run it.
package postgres
