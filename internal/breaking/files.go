package breaking

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/schema"
)

// A Pair is what a jobs.yaml was and what it is, both without mistakes.
type Pair struct {
	Old, New *schema.File
	// Upgraded says of a job whether its jobs with the old payload are read or
	// upgraded by the new program; nil for none.
	Upgraded func(jobType string) bool
	// FromLock says that Old was made of a jobs.lock, which knows neither
	// queues that no job is on nor options.
	FromLock bool
}

// Findings returns whom the change breaks, in the order of the new file.
func (p Pair) Findings() []Finding {
	w := &walk{Pair: p}
	w.file()
	Sort(w.found)
	return w.found
}

type walk struct {
	Pair
	found []Finding
}

func (w *walk) add(rule *Rule, d Delta, job string, at, was diagnostic.Position, breaks []Party, format string, args ...any) {
	w.found = append(w.found, Finding{
		Rule: rule, Delta: d, Level: rule.Level, At: at, Was: was, Job: job, Message: fmt.Sprintf(format, args...), Breaks: breaks, Do: rule.Do,
	})
}

func (w *walk) file() {
	if was, is := w.Old.Package, w.New.Package; was.Value != is.Value {
		w.add(PackageMoved, Delta{"package", was.Value, is.Value}, "", is.At, was.At, []Party{GoCallers}, "the package was %s and is %s", was.Value, is.Value)
	}
	queues := make(map[string]bool)
	for _, q := range w.New.Queues {
		queues[q.Name.Value] = true
	}
	for _, q := range w.Old.Queues {
		if !queues[q.Name.Value] {
			w.add(QueueRemoved, Delta{Subject: q.Name.Value}, "", w.New.Keys["queues"], q.Name.At, []Party{WaitingJobs, SQLCallers}, "the queue %q is gone", q.Name.Value)
			w.found[len(w.found)-1].queue = q.Name.Value
		}
	}
	types := make(map[string]*schema.Type)
	for _, t := range w.New.Types {
		types[t.Name.Value] = t
	}
	for _, t := range w.Old.Types {
		now := types[t.Name.Value]
		if now == nil {
			w.add(TypeRemoved, Delta{Subject: t.Name.Value}, "", w.parent("types"), t.Name.At, []Party{GoCallers}, "the type %q is gone", t.Name.Value)
			continue
		}
		w.reused("", fmt.Sprintf("type %q", t.Name.Value), t.Reserved, now.Reserved, now.Fields)
	}
	jobs := make(map[string]*schema.Job)
	for _, job := range w.New.Jobs {
		jobs[job.Type.Value] = job
	}
	for _, job := range w.Old.Jobs {
		now := jobs[job.Type.Value]
		if now == nil {
			w.add(JobRemoved, Delta{Subject: job.Type.Value}, job.Type.Value, w.New.Keys["jobs"], job.Type.At, []Party{WaitingJobs, GoCallers, SQLCallers}, "the job %q is gone", job.Type.Value)
			if do := w.renamedJob(job); do != "" {
				w.found[len(w.found)-1].Do = do
			}
			continue
		}
		w.job(job, now)
	}
}

// parent is where a section of the new file begins, or the file where it has
// none.
func (w *walk) parent(section string) diagnostic.Position {
	if at, ok := w.New.Keys[section]; ok {
		return at
	}
	return diagnostic.Position{Line: 1, Column: 1}
}

func (w *walk) upgraded(job string) bool { return w.Upgraded != nil && w.Upgraded(job) }

func (w *walk) job(old, new *schema.Job) {
	name := new.Type.Value
	what := fmt.Sprintf("job %q", name)
	if old.Queue.Value != new.Queue.Value {
		w.add(QueueChanged, Delta{name, old.Queue.Value, new.Queue.Value}, name, new.Queue.At, old.Queue.At, []Party{WaitingJobs, SQLCallers}, "%s: the queue was %q and is %q", what, old.Queue.Value, new.Queue.Value)
	}
	if !w.FromLock {
		w.options(old, new, what)
	}
	w.calls(old, new, what)
	w.version(old, new, what)
	w.reused(name, what, old.Reserved, new.Reserved, new.Payload)
	c := Payloads(Shape{At: old.Type.At, Fields: old.Payload}, Shape{At: new.Type.At, Fields: new.Payload})
	for _, change := range c.Changes {
		f := change.Of(name, w.upgraded(name))
		f.Message = what + ": " + f.Message
		w.found = append(w.found, f)
	}
	w.names(name, what, old.Payload, new.Payload)
	for _, pair := range c.Pairs {
		w.names(name, fmt.Sprintf("%s: type %q", what, pair[1].Name.Value), pair[0].Fields, pair[1].Fields)
	}
}

func (w *walk) version(old, new *schema.Job, what string) {
	was, is := max(old.Version.Value, 1), max(new.Version.Value, 1)
	switch {
	case is > was+1 && !w.upgraded(new.Type.Value):
		w.add(VersionSkipped, Delta{new.Type.Value, strconv.Itoa(int(was)), strconv.Itoa(int(is))}, new.Type.Value, new.Version.At, old.Version.At, []Party{WaitingJobs}, "%s: the version was %d and is %d", what, was, is)
	case is < was && new.Version.IsSet():
		w.add(VersionLowered, Delta{new.Type.Value, strconv.Itoa(int(was)), strconv.Itoa(int(is))}, new.Type.Value, new.Version.At, old.Version.At, []Party{WaitingJobs}, "%s: the version was %d and is %d", what, was, is)
	}
}

// options looks at what new jobs get and those that wait keep.
func (w *walk) options(old, new *schema.Job, what string) {
	at := func(here diagnostic.Position) diagnostic.Position {
		if here.Line > 0 {
			return here
		}
		return new.Type.At
	}
	for i, was := range old.Options {
		is, rule := new.Options[i], lowered[was.Type]
		if rule != nil && was.Type.Value.Less(is.Value, was.Value) {
			w.add(rule, Delta{new.Type.Value, was.String(), is.String()}, new.Type.Value, at(is.At), was.At, []Party{GoCallers}, "%s: %s was %s and is %s", what, was.Type.Name, was, is)
		}
	}
}

// calls looks at Go that calls generated functions and still compiles, or no
// longer does for another reason than the rules about fields give. Fields are in
// the order of the constructor's parameters.
func (w *walk) calls(old, new *schema.Job, what string) {
	name := new.Type.Value
	required := func(fields []*schema.Field) []*schema.Field {
		return slices.DeleteFunc(slices.Clone(fields), func(f *schema.Field) bool { return f.Type == nil || presence(f) != "required" })
	}
	was, is := required(old.Payload), required(new.Payload)
	if len(old.Payload) == 0 && len(new.Payload) > 0 && len(is) == 0 {
		w.add(PayloadAdded, Delta{Subject: name}, name, new.Payload[0].Key.At, old.Type.At, []Party{GoCallers}, "%s: it had no payload", what)
	}
	if !slices.EqualFunc(was, is, func(a, b *schema.Field) bool { return a.Type.String() == b.Type.String() }) {
		return // callers do not compile
	}
	for i := range is {
		if was[i].Stored() != is[i].Stored() {
			w.add(ArgumentChanged, Delta{name, was[i].Key.Value, is[i].Key.Value}, name, is[i].Key.At, was[i].Key.At, []Party{GoCallers}, "%s: argument %d of the constructor was %q and is %q", what, i+1, was[i].Key.Value, is[i].Key.Value)
			return
		}
	}
}

// reused looks for fields under keys that were reserved.
func (w *walk) reused(job, what string, was, is []schema.Text, fields []*schema.Field) {
	for _, key := range was {
		if slices.ContainsFunc(is, func(k schema.Text) bool { return k.Value == key.Value }) {
			continue
		}
		for _, f := range fields {
			if f.Stored() == key.Value {
				c := Change{
					Rule: KeyReused, Delta: Delta{f.Key.Value, key.Value, f.Type.String()}, At: f.Key.At, Was: key.At, ReadBack: true,
					Message: fmt.Sprintf("%s: the field %q is stored under a key that was reserved", what, f.Key.Value),
				}
				w.found = append(w.found, c.Of(job, job != "" && w.upgraded(job)))
			}
		}
	}
}

// names looks for fields that are stored as before and called otherwise.
func (w *walk) names(job, what string, was, is []*schema.Field) {
	before := byKey(was)
	for _, f := range is {
		if old := before[f.Stored()]; old != nil && old.Key.Value != f.Key.Value {
			w.add(GoNameChanged, Delta{f.Key.Value, old.Key.Value, f.Key.Value}.in(job), job, f.Key.At, old.Key.At, []Party{GoCallers}, "%s: the field %q is called %q", what, old.Key.Value, f.Key.Value)
		}
	}
}
