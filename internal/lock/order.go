package lock

import (
	"cmp"
	"slices"

	"github.com/jobgen/jobgen/internal/schema"
)

// Arrange brings the fields of payloads and structs, and the values of enums,
// into the order in which they first appeared, which lock remembers. What it
// does not know comes last, in the order of the file. So a line that moves
// within a jobs.yaml changes no generated code, and no call of a constructor
// means something else. A nil lock remembers nothing.
func Arrange(lock *schema.Lock, file *schema.File) {
	if lock == nil {
		return
	}
	types := make(map[string]*schema.Type)
	removedLast := slices.SortedStableFunc(slices.Values(lock.Jobs), func(a, b *schema.LockedJob) int {
		return cmp.Compare(removed(a), removed(b))
	})
	for _, job := range removedLast {
		for _, t := range job.Newest().Types {
			if types[t.Name.Value] == nil {
				types[t.Name.Value] = t
			}
		}
	}
	for _, t := range file.Types {
		if was := types[t.Name.Value]; was != nil {
			arrange(t.Fields, was.Fields, (*schema.Field).Stored)
			arrange(t.Enum, was.Enum, func(v *schema.EnumValue) string { return v.Value.Value })
		}
	}
	for _, job := range file.Jobs {
		if was := lock.Job(job.Type.Value); was != nil {
			arrange(job.Payload, was.Newest().Fields, (*schema.Field).Stored)
		}
	}
}

func removed(job *schema.LockedJob) int {
	if job.Removed {
		return 1
	}
	return 0
}

// arrange sorts list as the elements of was with the same keys are.
func arrange[T any](list, was []T, key func(T) string) {
	place := make(map[string]int, len(was))
	for i, v := range was {
		place[key(v)] = i
	}
	of := func(v T) int {
		if i, ok := place[key(v)]; ok {
			return i
		}
		return len(was)
	}
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(of(a), of(b)) })
}
