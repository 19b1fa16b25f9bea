package schema

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/yaml"
)

// LockFormat is the format of a jobs.lock that ParseLock reads.
const LockFormat = 1

// A Lock is a jobs.lock: every version of every payload that a job in a
// database may have. It is written by jobgen, in the language of jobs.yaml, so
// that each version in it is read, compared and generated as a jobs.yaml is.
type Lock struct {
	Name    string // as given to ParseLock
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
// lock knows, for it to be compared with one. Its fields are sorted, and it has
// no options.
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

// ParseLock reads src, the content of the file called name, as Parse reads a
// jobs.yaml. The lock is nil unless it is without mistakes.
func ParseLock(name string, src []byte) (*Lock, diagnostic.List) {
	r := &yaml.Reader{}
	if at := bytes.Index(append([]byte("\n"), src...), []byte("\n<<<<<<<")); at >= 0 {
		r.Mistakes.Add(diagnostic.Position{Line: 1 + bytes.Count(src[:at], []byte("\n")), Column: 1}, diagnostic.Syntax,
			"two branches changed the file: take it from the branch that you merge into, and run jobgen generate")
		return nil, r.Mistakes
	}
	l := &lockReader{Reader: r, lock: &Lock{Name: name}}
	if root := r.Parse(src); root != nil {
		l.parse(root)
	}
	if len(r.Mistakes) > 0 {
		r.Mistakes.Sort()
		return nil, r.Mistakes
	}
	return l.lock, nil
}

// A lockReader makes a Lock of what a reader reads.
type lockReader struct {
	*yaml.Reader
	lock *Lock
}

func (l *lockReader) parse(root ast.Node) {
	top := diagnostic.Position{Line: 1, Column: 1}
	var jobs yaml.Entry
	ok := false
	there := l.Keys(root, "the lock", map[string]yaml.ReadFunc{
		"format":  func(e yaml.Entry) { ok = l.format(e) },
		"package": func(e yaml.Entry) { l.lock.Package, _ = l.Text(e.Value, "package") },
		"jobs":    func(e yaml.Entry) { jobs = e },
	})
	switch {
	case there == nil:
		return
	case !there["format"]:
		l.Mistakes.Add(top, diagnostic.MissingKey, "the lock has no format: take the file from version control, or remove it and run jobgen generate where no jobs wait")
		return
	case !ok || jobs.Value == nil:
		return
	}
	entries, _ := l.Mapping(jobs.Value, "jobs")
	for _, e := range entries {
		l.job(e)
	}
}

func (l *lockReader) format(e yaml.Entry) bool {
	n, ok := e.Value.(*ast.IntegerNode)
	if !ok {
		l.WrongKind(e.Value, "format", "a number")
		return false
	}
	text := n.GetToken().Value
	if text == strconv.Itoa(LockFormat) {
		return true
	}
	l.Mistakes.Add(yaml.Start(n), diagnostic.BadVersion, "format %s is none that this jobgen reads: it reads format %d; use the jobgen that wrote the file, or a newer one", text, LockFormat)
	return false
}

func (l *lockReader) job(e yaml.Entry) {
	job := &LockedJob{Type: e.Key}
	what := fmt.Sprintf("job %q", e.Key.Value)
	b := &builder{Reader: l.Reader, file: &File{}}
	b.checkName(e.Key, what, dottedName)
	l.Keys(e.Value, what, map[string]yaml.ReadFunc{
		"queue":   func(e yaml.Entry) { job.Queue, _ = l.Text(e.Value, "the queue of "+what) },
		"removed": func(e yaml.Entry) { job.Removed = l.flag(e) },
		"versions": func(e yaml.Entry) {
			entries, _ := l.Mapping(e.Value, "versions")
			for _, e := range entries {
				if v := l.version(e, what); v != nil {
					job.Versions = append(job.Versions, v)
				}
			}
		},
	})
	for i := 1; i < len(job.Versions); i++ {
		if job.Versions[i].Version <= job.Versions[i-1].Version {
			l.Mistakes.Add(job.Versions[i].At, diagnostic.BadPayloadVersion, "the versions of %s are not in order", what)
		}
	}
	if len(job.Versions) == 0 {
		l.Mistakes.Add(e.Key.At, diagnostic.MissingKey, "%s has no versions", what)
	}
	l.lock.Jobs = append(l.lock.Jobs, job)
}

func (l *lockReader) flag(e yaml.Entry) bool {
	v, ok := e.Value.(*ast.BoolNode)
	if !ok {
		l.WrongKind(e.Value, e.Key.Value, "true or false")
		return false
	}
	return v.Value
}

// version reads one version, a key such as v2 with what a payload of it holds.
func (l *lockReader) version(e yaml.Entry, of string) *Payload {
	digits, _ := strings.CutPrefix(e.Key.Value, "v")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 1 || n > math.MaxInt16 || e.Key.Value != fmt.Sprintf("v%d", n) {
		l.Mistakes.Add(e.Key.At, diagnostic.BadPayloadVersion, "%q is no version of %s: versions are v1 to v%d", yaml.Clip(e.Key.Value), of, math.MaxInt16)
		return nil
	}
	p := &Payload{Version: int16(n), At: e.Key.At}
	b := &builder{Reader: l.Reader, file: &File{}, inLock: true}
	sections := make(map[string]yaml.Entry)
	keep := func(e yaml.Entry) { sections[e.Key.Value] = e }
	what := fmt.Sprintf("version %d of %s", n, of)
	l.Keys(e.Value, what, map[string]yaml.ReadFunc{
		"declared": func(e yaml.Entry) { p.Declared = l.flag(e) },
		"payload":  keep, "removed": keep, "types": keep,
		"reserved": func(e yaml.Entry) { p.Reserved = b.reserved(e.Value, what) },
	})
	if e, ok := sections["types"]; ok {
		b.readTypes(e)
		p.Types = b.file.Types
	}
	if e, ok := sections["payload"]; ok {
		p.Fields = b.fields(e.Value, "the payload of "+what)
	}
	if e, ok := sections["removed"]; ok {
		p.Gone = b.fields(e.Value, "what is removed of "+what)
	}
	b.checkStored(p.Fields, p.Reserved, what)
	b.finish()
	return p
}
