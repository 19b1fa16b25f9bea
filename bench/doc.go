// Command bench measures jobgen beside other PostgreSQL job queues: the same
// payload, the same server, the same durability, peers in turn within each
// round. It prints one Markdown table and, on request, writes it as JSON.
//
// It is a module of its own, so that the peers never enter the module graph of
// jobgen's users. README.md says what each figure means and how to read it.
package main
