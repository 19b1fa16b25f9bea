package lock

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/schema"
	"github.com/jobgen/jobgen/internal/yaml"
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
	p := &parser{Reader: &yaml.Reader{}, lock: &schema.Lock{Name: name}}
	if root := p.Parse(src); root != nil {
		p.parse(root)
	}
	if len(p.Mistakes) > 0 {
		p.Mistakes.Sort()
		return nil, p.Mistakes
	}
	return p.lock, nil
}

// A parser makes a lock of what its reader reads.
type parser struct {
	*yaml.Reader
	lock *schema.Lock
}

func (p *parser) parse(root ast.Node) {
	var jobs []yaml.Entry
	known := false // the format
	there := p.Keys(root, "the lock", map[string]yaml.ReadFunc{
		"format":  func(e yaml.Entry) { known = p.format(e) },
		"package": func(e yaml.Entry) { p.lock.Package, _ = p.Text(e.Value, "package") },
		"jobs":    func(e yaml.Entry) { jobs, _ = p.Mapping(e.Value, "jobs") },
	})
	switch {
	case there == nil:
	case !there["format"]:
		p.Mistakes.Add(diagnostic.Position{Line: 1, Column: 1}, diagnostic.MissingKey,
			"the lock has no format: take the file from version control, or remove it and run jobgen generate where no jobs wait")
	case known:
		for _, e := range jobs {
			p.job(e)
		}
	}
}

func (p *parser) format(e yaml.Entry) bool {
	n, ok := e.Value.(*ast.IntegerNode)
	if !ok {
		p.WrongKind(e.Value, "format", "a number")
		return false
	}
	text := n.GetToken().Value
	if text == strconv.Itoa(format) {
		return true
	}
	p.Mistakes.Add(yaml.Start(n), diagnostic.BadVersion, "format %s is not supported: this jobgen reads format %d; use the jobgen that wrote the file, or a newer one", text, format)
	return false
}

func (p *parser) job(e yaml.Entry) {
	job := &schema.LockedJob{Type: e.Key}
	what := fmt.Sprintf("job %q", e.Key.Value)
	schema.CheckJobName(p.Reader, e.Key, what)
	p.Keys(e.Value, what, map[string]yaml.ReadFunc{
		"queue":   func(e yaml.Entry) { job.Queue, _ = p.Text(e.Value, "the queue of "+what) },
		"removed": func(e yaml.Entry) { job.Removed = p.flag(e) },
		"versions": func(e yaml.Entry) {
			entries, _ := p.Mapping(e.Value, "versions")
			for _, e := range entries {
				if v := p.version(e, what); v != nil {
					job.Versions = append(job.Versions, v)
				}
			}
		},
	})
	for i := 1; i < len(job.Versions); i++ {
		if job.Versions[i].Version <= job.Versions[i-1].Version {
			p.Mistakes.Add(job.Versions[i].At, diagnostic.BadPayloadVersion, "the versions of %s are not in order", what)
		}
	}
	if len(job.Versions) == 0 {
		p.Mistakes.Add(e.Key.At, diagnostic.MissingKey, "%s has no versions", what)
	}
	p.lock.Jobs = append(p.lock.Jobs, job)
}

func (p *parser) flag(e yaml.Entry) bool {
	v, ok := e.Value.(*ast.BoolNode)
	if !ok {
		p.WrongKind(e.Value, e.Key.Value, "true or false")
		return false
	}
	return v.Value
}

// version reads one version, a key such as v2 with what a payload of it holds.
func (p *parser) version(e yaml.Entry, of string) *schema.Payload {
	digits, _ := strings.CutPrefix(e.Key.Value, "v")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 1 || n > math.MaxInt16 || e.Key.Value != fmt.Sprintf("v%d", n) {
		p.Mistakes.Add(e.Key.At, diagnostic.BadPayloadVersion, "%q is not a version of %s: versions are v1 to v%d", yaml.Clip(e.Key.Value), of, math.MaxInt16)
		return nil
	}
	v := &schema.Payload{Version: int16(n), At: e.Key.At}
	var sections schema.PayloadSections
	what := fmt.Sprintf("version %d of %s", n, of)
	p.Keys(e.Value, what, map[string]yaml.ReadFunc{
		"declared": func(e yaml.Entry) { v.Declared = p.flag(e) },
		"payload":  func(e yaml.Entry) { sections.Payload = &e },
		"removed":  func(e yaml.Entry) { sections.Removed = &e },
		"types":    func(e yaml.Entry) { sections.Types = &e },
		"reserved": func(e yaml.Entry) { sections.Reserved = &e },
	})
	sections.Read(p.Reader, v, what)
	return v
}
