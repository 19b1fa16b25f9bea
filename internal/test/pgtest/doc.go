// Package pgtest gives each test a PostgreSQL database of its own, on a real
// server that it finds, starts or fetches; it never skips a test. It knows
// nothing of jobs.
//
// The server is, in this order: the one that JOBGEN_TEST_DATABASE_URL names,
// whose role must be allowed to create databases; one started from the newest
// PostgreSQL (15 or later) found on the machine; one started from binaries
// fetched once into the user's cache folder. Where none can be had, the test
// fails and says what to do.
//
// A started server belongs to the test process, and is shared by its tests. It
// is stopped and its files are removed when that process ends, however it
// ends, a moment later. PostgreSQL refuses to run as root, so root lends it the
// user postgres, or nobody. It runs on Linux and macOS.
//
// A test that breaks servers has one of its own, with its own settings, from
// [NewCluster]: it can be stopped, crash, have a standby, and be promoted.
//
// On two cores a server starts in about a second, and a database takes 13 ms
// where files are kept in memory (PostgreSQL 15, [Template.DSN] as [DSN]). A
// server of its own has 500 connections for all tests of a process; any number
// of tests may ask for a database at once, and four at a time are served.
package pgtest
