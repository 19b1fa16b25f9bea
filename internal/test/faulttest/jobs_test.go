package faulttest

import (
	"time"

	"github.com/jobgen/jobgen/runtime"
)

const (
	queueName = "faults"
	// claimLimit is the MaxWorkDuration of every job.
	claimLimit = 2 * time.Second
	// pollTime is how long a lost notification may delay a job.
	pollTime = time.Second
	// backoff is the unit of the retry delay.
	backoff = 100 * time.Millisecond
)

// A payload says what its handler is to do.
type payload struct {
	Key  string `json:"key"` // names the job before it has an id
	Mode mode   `json:"mode"`
	Fill string `json:"fill,omitempty"`
}

var theJob = runtime.Define[payload]("fault_job", queueName)

var catalogue = runtime.NewCatalogue(theJob)

// A mode is a way for a handler to behave.
type mode string

const (
	modeQuick    mode = "quick"    // succeeds at once
	modeSlow     mode = "slow"     // succeeds after a tenth of a second
	modeFlaky    mode = "flaky"    // fails once
	modeHopeless mode = "hopeless" // fails always, and is dead after two attempts
	modeTx       mode = "tx"       // completes in the transaction of its effect
	modeLate     mode = "late"     // its first attempt goes on past its claim, whatever its context says, and succeeds
	modePanic    mode = "panic"    // panics once, with one of many values
	modeGoexit   mode = "goexit"   // ends its goroutine once
	modePoison   mode = "poison"   // kills its process each time, and is dead after three attempts
	modeText     mode = "text"     // fails once, with a text that no database keeps as it is
	modeCancel   mode = "cancel"   // waits for its context, and is cancelled by its producer
)

// maxAttempts is 0 where there is no limit.
func (m mode) maxAttempts() int32 {
	switch m {
	case modeHopeless:
		return 2
	case modePoison:
		return 3
	case modeTx:
		return 50
	}
	return 0
}

// A mix is how often each mode is drawn.
type mix map[mode]int

var (
	// everyday is what most faults meet.
	everyday = mix{modeQuick: 60, modeSlow: 8, modeFlaky: 8, modeHopeless: 3, modeTx: 14, modeLate: 1, modeCancel: 4}
	// wild is the handlers' own faults.
	wild = mix{modeQuick: 40, modePanic: 15, modeGoexit: 10, modeLate: 2, modeText: 15, modeHopeless: 5, modeTx: 10}
)
