package queuetest

import (
	"testing"

	"github.com/jobgen/jobgen/runtime"
)

// Run drives a back end through each sentence of the job model, one named
// parallel test a sentence, each on a store of its own. What is bound to a
// transaction is tested where the harness's store is a [Transactor].
func Run(t *testing.T, h Harness) {
	for subject, behaviours := range subjects {
		t.Run(subject, func(t *testing.T) {
			t.Parallel()
			behaviours.run(t, h)
		})
	}
}

// RunTransactions is what Run does about transactions, for a store that can be
// bound to those of several drivers.
func RunTransactions(t *testing.T, h Harness) { transactions.run(t, h) }

// Behaviours are tests by the sentence that each one proves.
type behaviours map[string]func(x *trial)

func (b behaviours) run(t *testing.T, h Harness) {
	for sentence, test := range b {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			test(newTrial(t, h))
		})
	}
}

var subjects = map[string]behaviours{
	"adding":                 adding,
	"attempts":               attempts,
	"claiming":               claiming,
	"stealing":               stealing,
	"finishing":              finishing,
	"late":                   late,
	"executing":              executing,
	"cancelling":             cancelling,
	"waiting":                waiting,
	"reading":                reading,
	"finding":                finding,
	"naming":                 naming,
	"input":                  input,
	"batches":                batches,
	"releasing":              releasing,
	"watching":               watching,
	"dead":                   deadJobs,
	"dying":                  dying,
	"admin":                  admin,
	"transactions":           transactions,
	"worker":                 working,
	"versions":               versions,
	"limits":                 limits,
	"secrecy":                secrecy,
	"finishing and claiming": finishingAndClaiming,
}

// driven is a test of what a Worker asks of a queue.
func driven(test func(x *trial, q queue)) func(*trial) {
	return func(x *trial) { test(x, x.queue) }
}

// administered is a test of what operators ask of a store.
func administered(test func(x *trial, s *runtime.Store)) func(*trial) {
	return func(x *trial) { test(x, x.service) }
}

// transacted is a test of what is bound to a transaction, of stores that can be.
func transacted(test func(x *trial, s Transactor)) func(*trial) {
	return func(x *trial) {
		if s, ok := x.store.(Transactor); ok {
			test(x, s)
		}
	}
}
