package faulttest

import (
	"testing"
)

func TestJobsSurviveTheirHandlers(t *testing.T) {
	t.Parallel()
	runScenarios(t, familyHandlers, []scenario{
		{
			fault: "handlers panic, end their goroutines, ignore their contexts, and fail with hostile texts", how: "one job in two does one of these, once",
			steady: true,
			orders: func(o *orders) { o.Mix, o.Handlers = wild, 32 },
			inject: func(s *storm) { s.pass(s.scale.fault) },
		},
		{
			fault: "poison jobs", how: "one job in fifty kills the process of its handler, each time; it is dead after three attempts",
			steady: true, unmeasured: true,
			orders: func(o *orders) { o.Mix = mix{modePoison: 2, modeQuick: 80, modeSlow: 20} },
			// A process that dies takes its claims with it for as long as they last, and may do so again.
			scale:  func(s *scale) { s.rate = pick(40, 50) },
			inject: func(s *storm) { s.pass(s.scale.fault) },
			after: func(s *storm, e *evidence) {
				dead := 0
				for _, places := range e.places {
					if places[0] == "dead" {
						dead++
					}
				}
				if dead == 0 {
					s.Error("no poison job has died, so nothing is proved")
				}
			},
		},
	})
}
