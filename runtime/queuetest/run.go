package queuetest

import (
	"testing"
)

// Run drives a back end through each sentence of the job model, one named
// parallel test a sentence, each on a store of its own. What an optional
// ability promises is asked of those queues, services and stores that have it.
func Run(t *testing.T, h Harness) {
	for subject, behaviours := range subjects {
		t.Run(subject, func(t *testing.T) {
			t.Parallel()
			for sentence, test := range behaviours {
				t.Run(sentence, func(t *testing.T) {
					t.Parallel()
					test(newTrial(t, h))
				})
			}
		})
	}
}

// Behaviours are tests by the sentence that each one proves.
type behaviours map[string]func(x *trial)

var subjects = map[string]behaviours{
	"adding":       adding,
	"attempts":     attempts,
	"claiming":     claiming,
	"stealing":     stealing,
	"finishing":    finishing,
	"late":         late,
	"executing":    executing,
	"cancelling":   cancelling,
	"waiting":      waiting,
	"reading":      reading,
	"naming":       naming,
	"input":        input,
	"batches":      batches,
	"releasing":    releasing,
	"watching":     watching,
	"dead":         deadJobs,
	"admin":        admin,
	"transactions": transactions,
	"worker":       working,
	"versions":     versions,
	"limits":       limits,
	"secrecy":      secrecy,
	"turning":      turning,
}

// with is a test of an ability, for whatever has it of the queue, the service
// and the store. The plain fall-backs for the others are the runtime's.
func with[A any](test func(x *trial, able A)) func(*trial) {
	return func(x *trial) {
		for _, has := range []any{x.queue, x.service, x.store} {
			if able, ok := has.(A); ok {
				test(x, able)
				return
			}
		}
		x.Logf("nothing here is a %T", (*A)(nil))
	}
}
