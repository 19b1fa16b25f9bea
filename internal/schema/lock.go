package schema

import (
	"slices"

	"github.com/jobgen/jobgen/internal/diagnostic"
)

// A Lock is a jobs.lock: every version of every payload that a job in a
// database may have. Package lock reads and writes it.
type Lock struct {
	Name    string // as given to the parser
	Package Text
	Jobs    []*LockedJob // in the order of the file
}

// Job returns the job of that type, or nil.
func (l *Lock) Job(jobType string) *LockedJob {
	if l == nil {
		return nil
	}
	for _, job := range l.Jobs {
		if job.Type.Value == jobType {
			return job
		}
	}
	return nil
}

// File returns what a jobs.yaml of the newest versions would hold, as far as the
// lock knows, for it to be compared with one. It has no options.
func (l *Lock) File() *File {
	f := &File{Name: l.Name, Package: l.Package}
	types := make(map[string]bool)
	for _, job := range l.Jobs {
		if job.Removed {
			continue
		}
		newest := job.Newest()
		f.Jobs = append(f.Jobs, &Job{
			Type: job.Type, Queue: Option[string]{Value: job.Queue.Value, At: job.Queue.At},
			Version: Option[int16]{Value: newest.Version, At: newest.At}, Payload: newest.Fields, Reserved: newest.Reserved,
		})
		for _, t := range newest.Types {
			if !types[t.Name.Value] {
				types[t.Name.Value] = true
				f.Types = append(f.Types, t)
			}
		}
	}
	return f
}

// A LockedJob is a job type of which jobs may wait.
type LockedJob struct {
	Type     Text
	Queue    Text
	Removed  bool // jobs.yaml declares it no longer
	Versions []*Payload
}

// Newest returns the version that new jobs are written at.
func (j *LockedJob) Newest() *Payload { return j.Versions[len(j.Versions)-1] }

// Declared returns the greatest version that jobs.yaml has said, or 0.
func (j *LockedJob) Declared() int16 {
	for _, v := range slices.Backward(j.Versions) {
		if v.Declared {
			return v.Version
		}
	}
	return 0
}

// A Payload is one version of a job's payload.
type Payload struct {
	Version int16
	At      diagnostic.Position
	// Declared says that jobs.yaml said the version, so that the step to it is
	// written by hand.
	Declared bool
	// Read says that the struct of the next version reads it. It is not in the
	// file, but found out from what is.
	Read     bool
	Fields   []*Field
	Gone     []*Field // fields that jobs of this version may have, too
	Types    []*Type  // those that fields name, however indirectly
	Reserved []Text
}
