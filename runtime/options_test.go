package runtime_test

import (
	"testing"
	"time"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/memory"
)

// An ownOption is an option that a user has written.
type ownOption func(*runtime.Job)

func (o ownOption) Apply(job *runtime.Job) error {
	o(job)
	return nil
}

func TestAnOptionOfTheUsersOwnCannotMakeAJobThatNoJobCanBe(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		for name, option := range map[string]ownOption{
			"a high priority":      func(job *runtime.Job) { job.Priority = 10 },
			"a negative priority":  func(job *runtime.Job) { job.Priority = -1 },
			"no attempts":          func(job *runtime.Job) { job.AttemptsRemaining = 0 },
			"a negative duration":  func(job *runtime.Job) { job.MaxWorkDuration = -1 },
			"a due time too late":  func(job *runtime.Job) { job.Due = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
			"a due time too early": func(job *runtime.Job) { job.Due = time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC) },
			"a panic":              func(*runtime.Job) { panic(hostileValue{}) },
			"nil":                  nil,
		} {
			if _, err := runtime.Enqueue(t.Context(), store, noteJob, &note{}, option); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
		if _, err := runtime.Enqueue(t.Context(), store, noteJob, &note{}, ownOption(func(job *runtime.Job) { job.Priority = 9 })); err != nil {
			t.Error(err)
		}
		if n := unfinished(t, store); n != 1 {
			t.Errorf("%d jobs were added, want 1", n)
		}
	})
}
