package lock

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/jobgen/jobgen/internal/breaking"
	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/schema"
)

// A Step is what Advance has to say about one job, beyond what it refuses.
type Step struct {
	Job      string
	From, To int16 // payload versions; To is 0 for a job that was removed
	Why      []breaking.Change
}

// A Result is a lock that has been advanced.
type Result struct {
	// Lock goes with the file. Where something is refused it is not to be used.
	Lock    *schema.Lock
	Refused []breaking.Finding
	Raised  []Step // without being asked to
	Said    []Step // as the file said, with an upgrade
	Removed []Step
}

// Advance returns the lock that goes with file, which is without mistakes,
// after old, the one that went with it before; nil where there was none. It
// brings what is in file into the order that old remembers, see [Arrange], and
// does not change old.
//
// A payload whose change both the new binary and running ones can read stays at
// its version. One that only the new binary can read is raised to the next. One that leaves the new binary unable to read what is stored is
// refused, unless the file says the next version.
func Advance(old *schema.Lock, file *schema.File) Result {
	Arrange(old, file)
	r := Result{Lock: &schema.Lock{Package: file.Package}}
	declared := make(map[string]bool, len(file.Jobs))
	for _, job := range file.Jobs {
		declared[job.Type.Value] = true
		r.job(old.Job(job.Type.Value), job)
	}
	if old != nil {
		for _, locked := range old.Jobs {
			if declared[locked.Type.Value] {
				continue
			}
			gone := *locked
			gone.Removed = true
			r.Lock.Jobs = append(r.Lock.Jobs, &gone)
			if !locked.Removed {
				r.Removed = append(r.Removed, Step{Job: locked.Type.Value, From: locked.Newest().Version})
			}
		}
	}
	breaking.Sort(r.Refused)
	slices.SortStableFunc(r.Lock.Jobs, func(a, b *schema.LockedJob) int { return strings.Compare(a.Type.Value, b.Type.Value) })
	return r
}

func (r *Result) refuse(f breaking.Finding, format string, args ...any) {
	f.Level, f.Message = f.Rule.Level, fmt.Sprintf(format, args...)
	if f.Do == "" {
		f.Do = f.Rule.Do
	}
	r.Refused = append(r.Refused, f)
}

// job adds the lock of one job.
func (r *Result) job(old *schema.LockedJob, job *schema.Job) {
	name := job.Type.Value
	locked := &schema.LockedJob{Type: job.Type, Queue: schema.Text{Value: job.Queue.Value, At: job.Queue.At}}
	r.Lock.Jobs = append(r.Lock.Jobs, locked)
	said := job.Version.Value
	about := func(rule *breaking.Rule) breaking.Finding {
		return breaking.Finding{Rule: rule, At: job.Version.At, Job: name, Breaks: []breaking.Party{breaking.WaitingJobs}}
	}
	if old == nil {
		if said > 1 {
			r.refuse(about(breaking.VersionSkipped), "job %q says version %d, and the lock knows none before it", name, said)
		}
		locked.Versions = []*schema.Payload{snapshot(1, job, nil, breaking.Comparison{})}
		settle(locked)
		return
	}
	newest := old.Newest()
	was, is := shape(newest), breaking.Shape{At: job.Type.At, Fields: job.Payload}
	c := breaking.Payloads(was, is)
	switch {
	case said > 0 && said < old.Declared():
		r.refuse(about(breaking.VersionLowered), "job %q says version %d, and said %d before", name, said, old.Declared())
	case int(said) > int(newest.Version)+1:
		r.refuse(about(breaking.VersionSkipped), "job %q says version %d, and the one before it is %d", name, said, newest.Version)
	}
	next, full := newest.Version+1, newest.Version == math.MaxInt16
	switch {
	case full && !(c.Reads() && c.ReadBack()):
		r.refuse(about(breaking.VersionSkipped), "job %q is at version %d, after which there is none", name, newest.Version)
		locked.Versions = slices.Clone(old.Versions)
	case said == next && !full:
		v := snapshot(next, job, nil, c)
		v.Declared = true
		locked.Versions = append(slices.Clone(old.Versions), v)
		r.Said = append(r.Said, Step{Job: name, From: newest.Version, To: next})
	case !r.readsAll(old, job, next):
		locked.Versions = slices.Clone(old.Versions)
	case c.ReadBack():
		locked.Versions = append(slices.Clone(old.Versions[:len(old.Versions)-1]), snapshot(newest.Version, job, newest, c))
	default:
		locked.Versions = append(slices.Clone(old.Versions), snapshot(next, job, nil, c))
		r.Raised = append(r.Raised, Step{Job: name, From: newest.Version, To: next, Why: only(c.Changes, func(c breaking.Change) bool { return !c.ReadBack })})
	}
	settle(locked)
}

func only(changes []breaking.Change, keep func(breaking.Change) bool) []breaking.Change {
	var kept []breaking.Change
	for _, c := range changes {
		if keep(c) {
			kept = append(kept, c)
		}
	}
	return kept
}

// readsAll reports whether the payload of job reads the newest version and the
// previous ones that are read with the same struct, and refuses what it does not.
func (r *Result) readsAll(old *schema.LockedJob, job *schema.Job, next int16) bool {
	is := breaking.Shape{At: job.Type.At, Fields: job.Payload}
	refused := make(map[diagnostic.Position]bool)
	for i := len(old.Versions) - 1; i >= 0; i-- {
		v := old.Versions[i]
		if i < len(old.Versions)-1 && (old.Versions[i+1].Declared || !breaking.Payloads(shape(v), shape(old.Newest())).Reads()) {
			break // it is upgraded by hand
		}
		for _, c := range breaking.Payloads(shape(v), is).Changes {
			if c.Reads || refused[c.At] {
				continue
			}
			refused[c.At] = true
			f := c.Of(job.Type.Value, false)
			f.Do = strings.ReplaceAll(f.Do, "say the job's next version,", fmt.Sprintf("say version: %d of the job,", next))
			r.refuse(f, "job %q: %s, and jobs of version %d may wait", job.Type.Value, c.Message, v.Version)
		}
	}
	return len(refused) == 0
}

// shape returns what payloads of one version hold.
func shape(p *schema.Payload) breaking.Shape {
	return breaking.Shape{At: p.At, Fields: p.Fields, Gone: p.Gone}
}

// settle says of each previous version whether the struct of the next one reads
// it. The struct is that of the first later version that has one.
func settle(job *schema.LockedJob) {
	reader := job.Newest()
	for i := len(job.Versions) - 2; i >= 0; i-- {
		v := *job.Versions[i] // it belongs to the old lock
		v.Read = !job.Versions[i+1].Declared && breaking.Payloads(shape(&v), shape(reader)).Reads()
		if !v.Read {
			reader = &v
		}
		job.Versions[i] = &v
	}
}

// snapshot returns the payload of job as a version of it. Of before, the same
// version as it was, it takes over the fields that are gone.
func snapshot(version int16, job *schema.Job, before *schema.Payload, c breaking.Comparison) *schema.Payload {
	s := &snapshooter{copies: make(map[string]*schema.Type)}
	p := &schema.Payload{Version: version, At: job.Type.At, Fields: s.fields(job.Payload), Reserved: job.Reserved}
	if before != nil {
		p.Declared = before.Declared
		p.Gone = s.gone(nil, before.Fields, before.Gone, p.Fields)
		for _, pair := range c.Pairs {
			if t := s.copies[pair[1].Name.Value]; t != nil {
				t.Gone = s.gone(t.Gone, pair[0].Fields, pair[0].Gone, t.Fields)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.copies)) {
		p.Types = append(p.Types, s.copies[name])
	}
	return p
}

// A snapshooter copies fields with the types that they name, since what is gone
// from a type differs from job to job.
type snapshooter struct {
	copies map[string]*schema.Type
}

func (s *snapshooter) fields(from []*schema.Field) []*schema.Field {
	fields := make([]*schema.Field, 0, len(from))
	for _, f := range from {
		g := *f
		g.Type = s.ref(f.Type)
		fields = append(fields, &g)
	}
	return fields
}

func (s *snapshooter) ref(from *schema.Ref) *schema.Ref {
	if from == nil {
		return nil
	}
	ref := *from
	ref.List, ref.Map = s.ref(from.List), s.ref(from.Map)
	if t := from.Declared; t != nil {
		copied := s.copies[t.Name.Value]
		if copied == nil {
			c := *t
			copied = &c
			s.copies[t.Name.Value] = copied
			copied.Fields, copied.Gone = s.fields(t.Fields), s.fields(t.Gone)
		}
		ref.Declared = copied
	}
	return &ref
}

// gone returns the fields that payloads may hold and that are none of now: those
// that have been gone, and those of before.
func (s *snapshooter) gone(have, before, beforeGone, now []*schema.Field) []*schema.Field {
	there := make(map[string]bool)
	for _, f := range now {
		there[f.Stored()] = true
	}
	list := slices.Clone(have)
	for _, f := range list {
		there[f.Stored()] = true
	}
	for _, f := range slices.Concat(beforeGone, before) {
		if !there[f.Stored()] {
			there[f.Stored()] = true
			list = append(list, s.fields([]*schema.Field{f})...)
		}
	}
	slices.SortStableFunc(list, func(a, b *schema.Field) int { return strings.Compare(a.Stored(), b.Stored()) })
	return list
}
