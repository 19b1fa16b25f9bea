// Package faulttest holds tests alone: they break processes, connections and
// servers under load, and then prove from three independent witnesses that no
// job was lost, doubled, early, late or out of its limits.
//
// Producers and workers are processes of their own, whose traffic goes through
// [github.com/jobgen/jobgen/internal/test/pgproxy]. A producer writes down what it
// asks for and what it is told; a handler, when it begins and how it ends; and
// a trigger in the database, which the test installs, every change of a job's
// row in the order of the row's locks. The files are joined when the run is
// over. The checker is proved by faults of the other kind: each of a list of
// bugs, planted into the SQL functions, has to be found.
//
//	go test ./internal/test/faulttest                                          # a cut of a minute
//	go test ./internal/test/faulttest -faults -timeout 2h -report ../../../docs/internals/reliability.md
//
// The second needs a machine of its own, PgBouncer (apt-get install pgbouncer)
// and a few gigabytes of memory. It runs every fault for longer and under more
// load, and prints the table of what it did and found.
package faulttest
