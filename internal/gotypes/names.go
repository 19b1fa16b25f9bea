package gotypes

import (
	"fmt"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/schema"
)

// A scope holds the names of one Go scope, each with what has it.
type scope map[string]owner

type owner struct {
	what string
	at   diagnostic.Position
}

// claim gives names to what. It reports the first of names that another has, at
// the one that comes later in the file, and whether there was none.
func (l *loader) claim(s scope, what string, at diagnostic.Position, names ...string) bool {
	clash := ""
	for _, name := range names {
		earlier, taken := s[name]
		if !taken {
			s[name] = owner{what, at}
			continue
		}
		if clash != "" || earlier.at == at {
			continue
		}
		clash = name
		later := owner{what, at}
		if earlier.at.Compare(at) > 0 {
			earlier, later = later, earlier
		}
		place := ""
		if earlier.at.Line > 0 {
			place = fmt.Sprintf(" in line %d, column %d,", earlier.at.Line, earlier.at.Column)
		}
		l.mistakes.Add(later.at, diagnostic.SameGoName, "%s and %s%s would both be %s: rename one", later.what, earlier.what, place, name)
	}
	return clash == ""
}

// checkNames checks every name that is generated against every other in its
// scope.
func (l *loader) checkNames(pkg *Package) {
	top, files := make(scope), make(scope)
	l.claim(top, "what each package has", diagnostic.Position{}, "Catalogue", "Handlers", "HandleAll")
	constants := make(map[string]string) // of the queues, by their names
	for i, q := range l.file.Queues {
		n := pkg.Queues[i].Name
		constants[q.Name.Value] = n + "Queue"
		l.claim(top, fmt.Sprintf("queue %q", q.Name.Value), q.Name.At, n+"Queue", n+"QueueHandlers", "Handle"+n+"Queue")
	}
	for i, t := range l.file.Types {
		named := pkg.Types[i]
		what := fmt.Sprintf("type %q", t.Name.Value)
		if named.Name != "" {
			l.claim(top, what, t.Name.At, named.Name)
		}
		l.claimFields(t.Fields)
		for i, v := range t.Enum {
			l.claim(top, fmt.Sprintf("the value %q of %s", v.Value.Value, what), v.Value.At, named.Enum[i].Name)
		}
	}
	for i, job := range l.file.Jobs {
		what := fmt.Sprintf("job %q", job.Type.Value)
		n := pkg.Jobs[i].Name
		names := []string{n + "Job", n + "JobType", n + "JobOptions", "New" + n + "Job", "Enqueue" + n, "Handle" + n, "job" + n}
		if batch := pkg.Jobs[i].Batch(); batch != "" {
			names = append(names, batch)
		}
		if constants[job.Queue.Value] != n+"Queue" { // else one constant is both
			names = append(names, n+"Queue")
		}
		if n != "" && l.claim(top, what, job.Type.At, names...) {
			l.claim(files, what, job.Type.At, pkg.Jobs[i].File)
			l.claimPrevious(top, files, pkg.Jobs[i], job)
		}
		l.claimFields(job.Payload)
	}
}

func (l *loader) claimFields(fields []*schema.Field) {
	s := make(scope, len(fields)+1)
	l.claim(s, "what each struct has", diagnostic.Position{}, "JSONFields")
	for _, f := range fields {
		if name := goName(f.Key.Value); name != "" {
			l.claim(s, fmt.Sprintf("field %q", f.Key.Value), f.Key.At, name)
		}
	}
}
