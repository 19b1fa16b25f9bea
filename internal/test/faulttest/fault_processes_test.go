package faulttest

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"
)

func TestJobsSurviveTheDeathOfProcesses(t *testing.T) {
	t.Parallel()
	runScenarios(t, familyProcesses, []scenario{
		{
			fault: "workers are killed", how: "kill -9 of one worker after the other, the next half a second to three seconds later; each is started again",
			steady: true,
			inject: func(s *storm) { s.killWorkers(s.scale.fault, pick(500*time.Millisecond, 3*time.Second)) },
		},
		{
			fault: "a worker with long claims dies", how: "kill -9 of a worker whose claims would last a minute yet; its jobs start elsewhere once its lease is over",
			steady: true, unmeasured: true,
			orders: func(o *orders) { o.Limit = time.Minute; o.Mix = mix{modeQuick: 50, modeSlow: 50} },
			scale: func(s *scale) {
				// Who has not been up for a lease's time does not judge others.
				s.warm, s.fault = 12*time.Second, 12*time.Second
			},
			inject: func(s *storm) {
				s.stopWithClaims(s.workers[0])
				s.workers[0].signal(syscall.SIGKILL)
				s.pass(s.scale.fault)
			},
			after: func(s *storm, e *evidence) {
				if n := e.takenOver(time.Minute); n == 0 {
					s.Error("nothing was taken over, so nothing is proved")
				}
			},
		},
		{
			fault: "producers are killed", how: "kill -9 of all producers at once, a few times; each is started again",
			only: true, steady: true,
			inject: func(s *storm) {
				for range 4 {
					for _, p := range s.producers {
						p.signal(syscall.SIGKILL)
					}
					s.pass(s.scale.fault / 4)
				}
			},
		},
		{
			fault: "a worker stands still", how: "SIGSTOP past the claim limit, then SIGCONT: it believes that it still holds its claims",
			steady: true,
			inject: func(s *storm) {
				s.workers[0].signal(syscall.SIGSTOP)
				s.pass(claimLimit + max(time.Second, s.scale.fault-claimLimit))
				s.workers[0].signal(syscall.SIGCONT)
			},
		},
		{
			fault: "all workers stand still", how: "SIGSTOP of every worker past the claim limit, then SIGCONT of all",
			only: true,
			inject: func(s *storm) {
				for _, w := range s.workers {
					w.signal(syscall.SIGSTOP)
				}
				s.pass(claimLimit + time.Second)
				for _, w := range s.workers {
					w.signal(syscall.SIGCONT)
				}
			},
		},
	})
}

// pick returns what suits the scale of this run.
func pick[T any](cut, whole T) T {
	if *full {
		return whole
	}
	return cut
}

// stopWithClaims stops a worker at a moment when it holds claims.
func (s *storm) stopWithClaims(w *slot) {
	conn := s.admin()
	defer conn.Close(context.WithoutCancel(s.Context()))
	s.eventually(20*time.Second, "a worker to hold claims", func() bool {
		w.signal(syscall.SIGSTOP)
		s.pass(100 * time.Millisecond) // for what it has sent
		var held bool
		s.must(conn.QueryRow(s.Context(), "SELECT EXISTS (SELECT FROM jobgen.job j JOIN jobgen.handler h ON h.number = j.handler WHERE h.name LIKE $1)",
			fmt.Sprintf("%%:%d:%%", w.pid())).Scan(&held))
		if !held {
			w.signal(syscall.SIGCONT)
		}
		return held
	})
}

// takenOver counts the claims that were taken over before they had lasted
// that long.
func (e evidence) takenOver(limit time.Duration) (n int) {
	was := make(map[int64]event)
	for _, ev := range e.events {
		if ev.place != "job" {
			continue
		}
		if before := was[ev.job]; ev.attempts > before.attempts && before.handler != "" && ev.at.Before(before.expires) && before.expires.Sub(before.due) >= limit {
			n++
		}
		was[ev.job] = ev
	}
	return n
}
