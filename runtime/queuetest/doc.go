// Package queuetest holds every back end of the runtime to the same behaviour.
// Run drives one through each sentence of the job model, RunModel compares it
// with runtime/memory over random sequences of calls, and RunConcurrency lets
// many handlers and processes loose on it and checks what they saw.
//
// A back end's tests call all three with a [Harness] of its own. The package
// asks what a queue can do, never which back end it belongs to.
package queuetest
