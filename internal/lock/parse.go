package lock

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/schema"
)

// format is the format of jobs.lock that is read and written.
const format = 1

// Parse reads src, the content of the jobs.lock called name, as schema.Parse
// reads a jobs.yaml. The lock is nil where there are mistakes.
func Parse(name string, src []byte) (*schema.Lock, diagnostic.List) {
	if at := bytes.Index(append([]byte("\n"), src...), []byte("\n<<<<<<<")); at >= 0 {
		var mistakes diagnostic.List
		mistakes.Add(diagnostic.Position{Line: 1 + bytes.Count(src[:at], []byte("\n")), Column: 1}, diagnostic.Syntax,
			"two branches changed the file: take it from the branch that you merge into, and run jobgen generate")
		return nil, mistakes
	}
	p := &parser{Document: schema.NewDocument(src), lock: &schema.Lock{Name: name}}
	if root, ok := p.Root(); ok {
		p.parse(root)
	}
	if mistakes := p.Mistakes(); len(mistakes) > 0 {
		return nil, mistakes
	}
	return p.lock, nil
}

// A parser makes a lock of a document.
type parser struct {
	*schema.Document
	lock *schema.Lock
}

func (p *parser) parse(root schema.Entry) {
	var jobs []schema.Entry
	known := false // the format
	there := root.Keys("the lock", map[string]func(schema.Entry){
		"format":  func(e schema.Entry) { known = p.format(e) },
		"package": func(e schema.Entry) { p.lock.Package = e.Text("package") },
		"jobs":    func(e schema.Entry) { jobs = append(jobs, e) },
	})
	switch {
	case there == nil:
	case !there["format"]:
		p.Add(root.Key.At, diagnostic.MissingKey, "the lock has no format: take the file from version control, or remove it and run jobgen generate where no jobs wait")
	case known:
		for _, section := range jobs {
			for _, e := range section.Entries("jobs") {
				p.job(e)
			}
		}
	}
}

func (p *parser) format(e schema.Entry) bool {
	n := e.Number("format")
	if n.Value == strconv.Itoa(format) {
		return true
	}
	if n.Value != "" {
		p.Add(n.At, diagnostic.BadVersion, "format %s is not supported: this jobgen reads format %d; use the jobgen that wrote the file, or a newer one", n.Value, format)
	}
	return false
}

func (p *parser) job(e schema.Entry) {
	job := &schema.LockedJob{Type: e.Key}
	what := fmt.Sprintf("job %q", e.Key.Value)
	e.CheckJobName(what)
	e.Keys(what, map[string]func(schema.Entry){
		"queue":   func(e schema.Entry) { job.Queue = e.Text("the queue of " + what) },
		"removed": func(e schema.Entry) { job.Removed = e.Bool("removed") },
		"versions": func(e schema.Entry) {
			for _, e := range e.Entries("versions") {
				if v := p.version(e, what); v != nil {
					job.Versions = append(job.Versions, v)
				}
			}
		},
	})
	for i := 1; i < len(job.Versions); i++ {
		if job.Versions[i].Version <= job.Versions[i-1].Version {
			p.Add(job.Versions[i].At, diagnostic.BadPayloadVersion, "the versions of %s are not in order", what)
		}
	}
	if len(job.Versions) == 0 {
		p.Add(e.Key.At, diagnostic.MissingKey, "%s has no versions", what)
	}
	p.lock.Jobs = append(p.lock.Jobs, job)
}

// version reads one version, a key such as v2 with what a payload of it holds.
func (p *parser) version(e schema.Entry, of string) *schema.Payload {
	digits, _ := strings.CutPrefix(e.Key.Value, "v")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 1 || n > math.MaxInt16 || e.Key.Value != fmt.Sprintf("v%d", n) {
		p.Add(e.Key.At, diagnostic.BadPayloadVersion, "%q is not a version of %s: versions are v1 to v%d", e.Name(), of, math.MaxInt16)
		return nil
	}
	v := &schema.Payload{Version: int16(n), At: e.Key.At}
	var sections schema.PayloadSections
	what := fmt.Sprintf("version %d of %s", n, of)
	e.Keys(what, map[string]func(schema.Entry){
		"declared": func(e schema.Entry) { v.Declared = e.Bool("declared") },
		"payload":  func(e schema.Entry) { sections.Payload = &e },
		"removed":  func(e schema.Entry) { sections.Removed = &e },
		"types":    func(e schema.Entry) { sections.Types = &e },
		"reserved": func(e schema.Entry) { sections.Reserved = &e },
	})
	sections.Read(p.Document, v, what)
	return v
}
