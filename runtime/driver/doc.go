// Package driver is what a back end implements, and nothing that a user of jobs
// needs to open. A [Store] hands out queues, a [Queue] works on rows: it knows
// neither payload structs nor handlers nor the texts of errors. Package runtime
// holds everything that is the same whatever stores the jobs.
//
// Package runtime checks what it is given before it calls a back end: names,
// sizes, options and payloads are valid, batches and lists are not empty unless a
// method says otherwise, reasons and logs are cut to their bounds.
//
// The package imports nothing else of this module.
package driver
