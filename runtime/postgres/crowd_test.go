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
	crowds := make([]crowd, processes)
	answered, missed := 0, 0
	notify := func(crowds []crowd, processes int) (n int) {
		for i := range crowds {
			if crowds[i].answers(processes) {
				n++
				crowds[i].claimed(min(1, 2-min(n, 2)), 0) // the first takes the job
			}
		}
		return n
	}
	for range jobs {
		n := notify(crowds, processes)
		if n == 0 {
			missed++
			crowds[0].claimed(1, time.Second) // a poll finds it
		}
		answered += n
	}
	if mean := float64(answered) / jobs; mean > 20 || missed > jobs/50 {
		t.Errorf("%.1f of %d processes answered, and nobody %d times of %d", mean, processes, missed, jobs)
	}
	for range 100 { // eight are left
		if n := notify(crowds[:8], 8); n != 8 {
			t.Fatalf("%d of 8 processes answered", n)
		}
	}
}
