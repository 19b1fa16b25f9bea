package faulttest

import (
	"sync"
	"testing"
	"time"
)

// A scenario is one fault.
type scenario struct {
	fault  string // what breaks
	how    string // how that is done
	only   bool   // with -faults alone
	own    bool   // on a server of its own
	server []string
	orders func(*orders)
	scale  func(*scale)
	// before prepares what the fault needs, when the database is there and
	// before the traffic is.
	before func(*storm)
	// inject breaks things for s.scale.fault and mends them again.
	inject func(s *storm)
	// steady says that the fault never takes the service away, so that jobs
	// are claimed as soon as ever; otherwise its time does not count.
	steady bool
	// lingers says that the fault is not over when it is mended: clients have
	// to find out first. Its time ends when throughput is back.
	lingers bool
	// unmeasured says that throughput before and after is no measure.
	unmeasured bool
	// after may change or look at the evidence.
	after func(*storm, *evidence)
}

// runScenarios runs each as a test, some at once.
func runScenarios(t *testing.T, family string, list []scenario) {
	t.Helper()
	for _, c := range list {
		if c.only && !*full {
			continue
		}
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			begin(t, pick(1, cap(turns)))
			c.run(t, family)
		})
	}
}

// turns are how many runs there are at once: their processes share the
// machine's cores, and in the full run a fault has it to itself.
var turns = make(chan struct{}, 6)

// begin waits for the test's turn, or several.
func begin(t *testing.T, weight int) {
	oneAtATime.Lock()
	for range weight {
		turns <- struct{}{}
	}
	oneAtATime.Unlock()
	t.Cleanup(func() {
		for range weight {
			<-turns
		}
	})
}

// oneAtATime keeps two tests from waiting for each other's turns.
var oneAtATime sync.Mutex

// run is one storm with the fault in its middle.
func (c scenario) run(t *testing.T, family string) {
	s := newStorm(t, c.own, c.server...)
	if c.scale != nil {
		c.scale(&s.scale)
	}
	if c.before != nil {
		c.before(s)
	}
	s.start(c.orders)
	s.pass(s.warm)
	s.during(func() {
		if c.steady {
			c.inject(s)
		} else {
			s.outage(func() { c.inject(s) })
		}
	})
	if !c.unmeasured {
		s.awaitRecovery()
	}
	if c.lingers {
		s.outages = append(s.outages, span{s.to, time.Now()})
	}
	s.pass(s.after)
	e := s.end()
	if c.after != nil {
		c.after(s, &e)
	}
	found := check(e)
	r := s.measure(e)
	r.family, r.fault, r.how, r.violations = family, c.fault, c.how, len(found)
	if len(found) > 0 {
		t.Errorf("%d violations: %s", len(found), e.report(found))
	}
	if !c.unmeasured {
		if r.recovered < 0 || r.recovered > time.Minute {
			t.Errorf("throughput was %.0f jobs a second before the fault, and did not come back within a minute", r.before)
		}
		if r.dials > maxDials {
			t.Errorf("each worker tried in vain to make %.1f connections a second during the fault, more than %d", r.dials, maxDials)
		}
	}
	if t.Failed() {
		t.Log(s.logs())
	}
	t.Log(r)
	results.add(r)
}
