package breaking

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/schema"
)

// Stored gathers what a database holds of a file's jobs, job by job. Jobs of
// other programs, which may share the database, are only counted.
type Stored struct {
	file   *schema.File
	reader *Reader
	known  map[string]bool // the types of the file's jobs, now or before
	groups map[group]*tally
	others map[string]int64 // waiting jobs of other types
}

// An Other is a job type of another program.
type Other struct {
	Type    string
	Waiting int64
}

type group struct {
	job     string
	version int16
	queue   string
}

type tally struct {
	waiting, unreadable int64
	why                 string   // the program does not understand them; "" where it does
	examples            []string // of what does not read
}

// maxExamples is how many payloads that do not read are shown of a version.
const maxExamples = 3

// NewStored begins to gather for a file that has its lock. Its jobs are those of
// the types in either, and in earlier, which are those of its base.
func NewStored(file *schema.File, earlier map[string]bool) *Stored {
	known := make(map[string]bool)
	maps.Copy(known, earlier)
	for _, job := range file.Jobs {
		known[job.Type.Value] = true
	}
	if file.Lock != nil {
		for _, job := range file.Lock.Jobs {
			known[job.Type.Value] = true
		}
	}
	return &Stored{file: file, reader: NewReader(file), known: known, groups: make(map[group]*tally), others: make(map[string]int64)}
}

// Others returns the types that the file has never had, in the order of their
// names.
func (s *Stored) Others() []Other {
	var all []Other
	for _, name := range slices.Sorted(maps.Keys(s.others)) {
		all = append(all, Other{name, s.others[name]})
	}
	return all
}

// Add counts one job that waits, and reads its payload; id is what to call it.
func (s *Stored) Add(job string, version int16, queue, id string, payload []byte) {
	if !s.known[job] {
		s.others[job]++
		return
	}
	g := group{job, version, queue}
	t := s.groups[g]
	if t == nil {
		t = &tally{}
		_, t.why = s.reader.Fields(job, version, queue)
		s.groups[g] = t
	}
	t.waiting++
	fields, _ := s.reader.Fields(job, version, queue)
	if fields == nil {
		return
	}
	if err := Decode(fields, payload); err != nil {
		t.unreadable++
		if len(t.examples) < maxExamples {
			t.examples = append(t.examples, fmt.Sprintf("job %s: %v", id, err))
		}
	}
}

// Findings returns what of the jobs the program of the file does not
// understand or cannot read, each with how many. What known says already it
// does not repeat.
func (s *Stored) Findings(known []Finding) []Finding {
	said := make(map[string]bool)
	for _, f := range known {
		switch f.Rule {
		case JobRemoved, QueueChanged:
			said[f.Job] = true
		}
	}
	var all []Finding
	for _, g := range slices.SortedFunc(maps.Keys(s.groups), func(a, b group) int {
		return strings.Compare(fmt.Sprintf("%s %05d %s", a.job, a.version, a.queue), fmt.Sprintf("%s %05d %s", b.job, b.version, b.queue))
	}) {
		t := s.groups[g]
		f := Finding{Level: Rows, At: s.at(g.job), Job: g.job, Breaks: []Party{WaitingJobs}}
		if t.why != "" && !said[g.job] {
			f.Rule, f.Do, f.Waiting = RowsNotUnderstood, RowsNotUnderstood.Do, count(t.waiting)
			f.Message = fmt.Sprintf("job %q: jobs of version %d wait in the queue %q: %s", g.job, g.version, g.queue, t.why)
			all = append(all, f)
		}
		if t.unreadable > 0 {
			f.Rule, f.Do, f.Waiting = RowsNotReadable, RowsNotReadable.Do, count(t.unreadable)
			f.Message = fmt.Sprintf("job %q: %d of %d payloads of version %d in the queue %q do not read: %s",
				g.job, t.unreadable, t.waiting, g.version, g.queue, strings.Join(t.examples, "; "))
			all = append(all, f)
		}
	}
	return all
}

func count(n int64) *int64 { return &n }

func (s *Stored) at(job string) diagnostic.Position {
	for _, j := range s.file.Jobs {
		if j.Type.Value == job {
			return j.Type.At
		}
	}
	return s.file.Keys["jobs"]
}

// Count gives findings about jobs that wait how many of them the change would
// strand.
func (s *Stored) Count(findings []Finding, old *schema.File) {
	was := make(map[string]string)
	for _, job := range old.Jobs {
		was[job.Type.Value] = job.Queue.Value
	}
	for i := range findings {
		f := &findings[i]
		if !slices.Contains(f.Breaks, WaitingJobs) || f.Rule == DefaultChanged || f.Waiting != nil {
			continue
		}
		var n int64
		for g, t := range s.groups {
			switch f.Rule {
			case QueueRemoved:
				if g.queue == f.queue {
					n += t.waiting
				}
			case QueueChanged:
				if g.job == f.Job && g.queue == was[f.Job] {
					n += t.waiting
				}
			case JobRemoved, VersionLowered, VersionSkipped:
				if g.job == f.Job {
					n += t.waiting
				}
			default:
				if g.job == f.Job {
					n += t.unreadable
				}
			}
		}
		f.Waiting = &n
	}
}
