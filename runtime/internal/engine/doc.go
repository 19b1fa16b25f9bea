// Package engine works one queue of a back end: it claims jobs, runs them in
// up to a number of goroutines, writes how they ended, and ends the contexts of
// those whose claims are lost. It knows rows and functions, and nothing of
// payloads and handlers.
//
// Each part owns its state. The claimer decides when and how much to claim, the
// runner has the jobs that are ready and running, the finisher has the outcomes
// that are not written, and the watcher asks for lost claims. The reporter tells
// listeners what happens. A link is what all know of the store.
package engine
