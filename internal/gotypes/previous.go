package gotypes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jobgen/jobgen/internal/schema"
)

// addPrevious adds the version of a job's payload and the previous ones, as the
// lock has them. Mistakes in these, such as a Go type that is gone, are
// reported at the job.
func (l *loader) addPrevious(j *Job, job *schema.Job) {
	locked := l.file.Lock.Job(job.Type.Value)
	if locked == nil {
		return
	}
	l.at = job.Type.At
	defer func() { l.at.Line, l.at.Column = 0, 0 }()
	j.Version = locked.Newest().Version
	for _, v := range locked.Versions[:len(locked.Versions)-1] {
		f := &PreviousVersion{Version: v.Version}
		j.Previous = append(j.Previous, f)
		if v.Read {
			continue
		}
		suffix := fmt.Sprintf("V%d", v.Version)
		f.Name, f.Upgrade = j.Name+"Job"+suffix, "Upgrade"+j.Name+suffix
		f.File = strings.TrimSuffix(j.File, ".gen.go") + strings.ToLower("_"+suffix) + ".gen.go"
		current := make(map[string]*schema.Type, len(l.file.Types))
		for _, t := range l.file.Types {
			current[t.Name.Value] = t
		}
		same := unchanged(v.Types, current)
		var own []*schema.Type
		for _, t := range v.Types {
			if same[t.Name.Value] {
				l.declared[t] = l.declared[current[t.Name.Value]]
				continue
			}
			named := &Named{Name: f.Name + goName(t.Name.Value), IsEnum: t.IsEnum}
			named.Doc = fmt.Sprintf("%s is %s as it was in payloads of that version.", named.Name, goName(t.Name.Value))
			l.declared[t] = named
			own = append(own, t)
			f.Types = append(f.Types, named)
		}
		for i, t := range own {
			l.fill(f.Types[i], t)
		}
		f.Fields = l.fields(v.Fields)
	}
}

// claimPrevious claims what the previous versions of a job are called.
func (l *loader) claimPrevious(top, files scope, j *Job, job *schema.Job) {
	upgraded := false
	for _, f := range j.Previous {
		if f.Name == "" {
			continue
		}
		if !upgraded {
			l.claim(top, fmt.Sprintf("job %q", job.Type.Value), job.Type.At, j.Name+"Upgrades")
			upgraded = true
		}
		what := fmt.Sprintf("version %d of job %q", f.Version, job.Type.Value)
		names := []string{f.Name}
		for _, t := range f.Types {
			names = append(names, t.Name)
			for _, v := range t.Enum {
				names = append(names, v.Name)
			}
		}
		l.claim(top, what, job.Type.At, names...)
		l.claim(files, what, job.Type.At, f.File)
	}
}

// unchanged returns the names of those of old that are the same types in Go
// now, with all that they hold, comments and the order of fields apart.
func unchanged(old []*schema.Type, now map[string]*schema.Type) map[string]bool {
	same := make(map[string]bool, len(old))
	for _, t := range old {
		same[t.Name.Value] = now[t.Name.Value] != nil
	}
	for again := true; again; { // what holds a type that is not, is not either
		again = false
		for _, t := range old {
			if same[t.Name.Value] && !sameType(t, now[t.Name.Value], same) {
				same[t.Name.Value], again = false, true
			}
		}
	}
	return same
}

func sameType(a, b *schema.Type, same map[string]bool) bool {
	if a.IsEnum != b.IsEnum || len(a.Enum) != len(b.Enum) || len(a.Fields) != len(b.Fields) {
		return false
	}
	for _, v := range a.Enum {
		if !slices.ContainsFunc(b.Enum, func(w *schema.EnumValue) bool { return w.Value.Value == v.Value.Value }) {
			return false
		}
	}
	byName := make(map[string]*schema.Field, len(b.Fields))
	for _, f := range b.Fields {
		byName[f.Key.Value] = f
	}
	for _, f := range a.Fields {
		g := byName[f.Key.Value]
		if g == nil || g.Stored() != f.Stored() || !sameDefault(f.Default, g.Default) || !sameRef(f.Type, g.Type, same) {
			return false
		}
	}
	return true
}

func sameDefault(a, b *schema.Default) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.JSON == b.JSON
}

func sameRef(a, b *schema.Ref, same map[string]bool) bool {
	switch {
	case a == nil || b == nil:
		return a == b
	case a.Declared != nil && b.Declared != nil && !same[a.Declared.Name.Value]:
		return false
	}
	return a.String() == b.String() && sameRef(a.List, b.List, same) && sameRef(a.Map, b.Map, same)
}
