package postgres

import (
	"testing"
	"time"
)

// Many idle processes and one job at a time: few answer, and somebody nearly
// always does.
func TestFewOfManyIdleProcessesAnswerANotification(t *testing.T) {
	t.Parallel()
	const processes, jobs = 200, 2000
	idle := make([]damping, processes)
	answered, missed := 0, 0
	notify := func(idle []damping, processes int) (n int) {
		for i := range idle {
			if idle[i].answers(processes) {
				n++
				idle[i].claimed(min(1, 2-min(n, 2)), 0) // the first takes the job
			}
		}
		return n
	}
	for range jobs {
		n := notify(idle, processes)
		if n == 0 {
			missed++
			idle[0].claimed(1, time.Second) // a poll finds it
		}
		answered += n
	}
	if mean := float64(answered) / jobs; mean > 20 || missed > jobs/50 {
		t.Errorf("%.1f of %d processes answered, and nobody %d times of %d", mean, processes, missed, jobs)
	}
	for range 100 { // eight are left
		if n := notify(idle[:8], 8); n != 8 {
			t.Fatalf("%d of 8 processes answered", n)
		}
	}
}
