package emit

import (
	"bytes"
	"fmt"
	"io/fs"
	"regexp"

	"github.com/dave/jennifer/jen"

	"github.com/jobgen/jobgen/internal/gotypes"
)

// upgradesFrom returns the way to the current version of a job's payload from
// each previous one. What is written by hand comes with the handler.
func upgradesFrom(job *gotypes.Job, payload string) []jen.Code {
	upgrades := make([]jen.Code, len(job.Previous))
	for i, previous := range job.Previous {
		if previous.Name == "" {
			upgrades[i] = jen.Qual(runtimePath, "Unchanged").Types(jen.Id(structAfter(job, payload, i))).Call(jen.Lit(int(previous.Version)))
			continue
		}
		upgrades[i] = jen.Qual(runtimePath, "UpgradeFrom").Types(jen.Id(previous.Name), jen.Id(structAfter(job, payload, i))).Call(jen.Lit(int(previous.Version)), jen.Nil())
	}
	return upgrades
}

// structAfter returns the struct that the previous version at index i is read or
// upgraded to: that of the next version that has one of its own.
func structAfter(job *gotypes.Job, payload string, i int) string {
	for _, next := range job.Previous[i+1:] {
		if next.Name != "" {
			return next.Name
		}
	}
	return payload
}

// previousCode returns the file of one previous version of a job's payload.
func previousCode(pkg *gotypes.Package, job *gotypes.Job, previous *gotypes.PreviousVersion) *jen.File {
	fields := previous.Fields
	for _, t := range previous.Types {
		fields = append(fields[:len(fields):len(fields)], t.Fields...)
	}
	f := newFile(pkg, fields...)
	f.Add(comment(fmt.Sprintf("%s is the payload of %s jobs of version %d, of which some may\nwait. %s turns it into the next.", previous.Name, oneLine(job.Type), previous.Version, previous.Upgrade)).
		Type().Id(previous.Name).Add(structType(previous.Fields)))
	codecCode(f, previous.Name, previous.Fields)
	for _, t := range previous.Types {
		f.Line()
		if t.IsEnum {
			enumCode(f, t)
		} else {
			structCode(f, t)
		}
	}
	return f
}

// An upgrade is a step between two structs, which a method of the application
// makes.
type upgrade struct {
	from           int16
	method         string
	oldType, after string
}

// upgradesOf returns the upgrades of a job that are written by hand, in order.
func upgradesOf(job *gotypes.Job) []upgrade {
	var all []upgrade
	for i, previous := range job.Previous {
		if previous.Name != "" {
			all = append(all, upgrade{previous.Version, previous.Upgrade, previous.Name, structAfter(job, job.Name+"Job", i)})
		}
	}
	return all
}

// upgradesType is the name of the interface of a job's upgrades.
func upgradesType(job *gotypes.Job) string { return job.Name + "Upgrades" }

// upgradesCode adds the interface of the upgrades of a job that has some.
func upgradesCode(f *jen.File, job *gotypes.Job) {
	all := upgradesOf(job)
	if len(all) == 0 {
		return
	}
	name := upgradesType(job)
	f.Line().Add(comment(fmt.Sprintf("%s brings payloads of previous versions of %s jobs, with\nwhich some may wait, to the next version, as a part of the attempt.", name, oneLine(job.Type))).
		Type().Id(name).InterfaceFunc(func(g *jen.Group) {
		for _, u := range all {
			g.Id(u.method).Params(jen.Id("ctx").Qual("context", "Context"), jen.Id("old").Id(u.oldType)).Params(jen.Id(u.after), jen.Error())
		}
	}))
}

var previousFile = regexp.MustCompile(`_job_v[0-9]+\.gen\.go$`)

// OfPreviousVersion reports whether a generated file of that name holds the struct
// of a previous version.
func OfPreviousVersion(name string) bool { return previousFile.MatchString(name) }

// Upgrade returns the beginning of the upgrade from a version of a job's payload,
// for its author to fill in: without a return it does not compile. It is "" for a
// version that needs none.
func Upgrade(pkg *gotypes.Package, jobType string, from int16) string {
	for _, job := range pkg.Jobs {
		for _, u := range upgradesOf(job) {
			if job.Type == jobType && u.from == from {
				return fmt.Sprintf("func (yours) %s(ctx context.Context, old %s.%s) (%s.%s, error) {\n}\n", u.method, pkg.Name, u.oldType, pkg.Name, u.after)
			}
		}
	}
	return ""
}

// Versioned returns the first file in the directory dir that was generated from
// the jobs.yaml called source with a payload at a later version than the first,
// or "" where there is none.
func Versioned(dir, source string) (string, error) {
	root, err := openDir(dir, false)
	if err != nil || root == nil {
		return "", err
	}
	defer root.Close()
	names, err := fs.Glob(root.FS(), "*_job"+suffix)
	if err != nil {
		return "", err
	}
	for _, name := range names {
		src, err := root.ReadFile(name)
		if err != nil {
			return "", err
		}
		if sourceOf(src) == oneLine(source) && bytes.Contains(src, []byte("\n\tVersion:")) {
			return name, nil
		}
	}
	return "", nil
}
