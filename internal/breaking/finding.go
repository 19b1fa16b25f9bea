package breaking

import (
	"cmp"
	"slices"

	"github.com/jobgen/jobgen/internal/diagnostic"
)

// A Delta is what exactly a change is about: the name of a job, field, queue or
// type, and what it was and is, as a file writes it; "" for nothing.
type Delta struct{ Subject, From, To string }

// in returns the delta of a field with the job that it is a field of.
func (d Delta) in(job string) Delta {
	if job != "" {
		d.Subject = job + "." + d.Subject
	}
	return d
}

// A Finding is one thing that a change breaks.
type Finding struct {
	Rule *Rule
	Delta
	Level   Level               // how far this one reaches; at most the rule's
	At      diagnostic.Position // in the new file
	Was     diagnostic.Position // in the old one; zero for what is new
	Job     string              // the job type that it is about; "" for none
	Message string              // what is so
	Breaks  []Party
	Do      string // what to do
	Waiting *int64 // how many jobs it strands, where a database was asked

	queue string // that it is about
}

// Sort brings findings into the order of the new file, those of one place into
// that of the old one.
func Sort(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(a.At.Compare(b.At), a.Was.Compare(b.Was), cmp.Compare(a.Rule.Name, b.Rule.Name), cmp.Compare(a.Message, b.Message))
	})
}
