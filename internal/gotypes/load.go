package gotypes

import (
	"context"
	"path/filepath"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/schema"
)

// Load finds the Go names and types of a file that is in the directory dir. It
// returns the package, the directory it goes to and the mistakes that it found,
// in the order of the file; the package is right when neither Load nor
// [schema.Parse] found any. An error is a failure to look.
func Load(ctx context.Context, file *schema.File, dir string) (*Package, string, diagnostic.List, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, "", nil, err
	}
	l := &loader{file: file, declared: make(map[*schema.Type]*Named, len(file.Types))}
	to, err := l.place(dir, file.Package)
	if err != nil {
		return nil, "", nil, err
	}
	pkg := l.convert(to)
	l.checkNames(pkg)
	if err := l.checkImports(ctx, dir, to); err != nil {
		return nil, "", nil, err
	}
	l.mistakes.Sort()
	return pkg, to.dir, l.mistakes, nil
}

// A loader loads one file.
type loader struct {
	file     *schema.File
	mistakes diagnostic.List
	suggest  diagnostic.Suggester
	declared map[*schema.Type]*Named
	imported []use
	at       diagnostic.Position // of what is read from the lock, else zero
	// The directory and the path of the module that the file is in.
	root, module string
}

// A use is one place that names a Go type.
type use struct {
	ref   *schema.Ref
	inMap bool // values of maps cannot be addressed
}

// convert turns the file into Go's terms, in its order.
func (l *loader) convert(to target) *Package {
	pkg := &Package{Source: to.source, Path: to.path, Name: to.name}
	for _, q := range l.file.Queues {
		pkg.Queues = append(pkg.Queues, &Queue{Name: queueName(q.Name.Value), Value: q.Name.Value, Doc: q.Doc})
	}
	for _, t := range l.file.Types {
		named := &Named{Name: goName(t.Name.Value), Doc: t.Doc, IsEnum: t.IsEnum}
		l.declared[t] = named
		pkg.Types = append(pkg.Types, named)
	}
	for i, t := range l.file.Types {
		l.fill(pkg.Types[i], t)
	}
	for _, job := range l.file.Jobs {
		j := l.job(job)
		l.addPrevious(j, job)
		pkg.Jobs = append(pkg.Jobs, j)
	}
	findBatches(pkg.Jobs)
	return pkg
}

// findBatches finds the jobs whose batch needs another name. Catalogues often have a
// job beside one that does the same for many, email and email_batch, whose own
// function has the name that the batch of the first would have.
func findBatches(jobs []*Job) {
	names := make(map[string]bool, len(jobs))
	for _, job := range jobs {
		names[job.Name] = true
	}
	for _, job := range jobs {
		job.BatchTaken = names[job.Name+"Batch"]
	}
}

// fill gives a named type its fields or values.
func (l *loader) fill(named *Named, t *schema.Type) {
	named.Fields = l.fields(t.Fields)
	for _, v := range t.Enum {
		named.Enum = append(named.Enum, &EnumValue{Name: enumName(named.Name, v.Value.Value), Value: v.Value.Value, Doc: v.Doc})
	}
}

func (l *loader) job(job *schema.Job) *Job {
	j := &Job{
		Type: job.Type.Value, Name: goName(job.Type.Value), File: fileStem(job.Type.Value) + "_job.gen.go",
		Doc: job.Doc, Queue: job.Queue.Value, Fields: l.fields(job.Payload),
	}
	for _, o := range job.Options {
		if o.IsSet() || o.Value != o.Type.Added {
			j.Options = append(j.Options, Option{o.Type.Name, o.Value})
		}
	}
	return j
}

// fields leaves out the names that are no words, which package schema reported.
func (l *loader) fields(from []*schema.Field) []*Field {
	fields := make([]*Field, 0, len(from))
	params := make(map[string]bool, len(from))
	for _, f := range from {
		name := goName(f.Key.Value)
		if name == "" || f.Type == nil {
			continue
		}
		param := paramName(f.Key.Value)
		for params[param] {
			param += "Value"
		}
		params[param] = true
		field := &Field{
			Key: f.Stored(), Name: name, Param: param, Doc: f.Doc, Type: *l.goType(f.Type, false), Deprecated: f.Deprecated.Value,
		}
		if f.Default != nil && f.Default.Value != nil {
			field.Default = &Default{Value: f.Default.Value}
			if field.Type.Named != nil {
				field.Default.Const = enumName(field.Type.Named.Name, f.Default.Text)
			}
		}
		fields = append(fields, field)
	}
	return fields
}

func (l *loader) goType(ref *schema.Ref, inMap bool) *Type {
	t := &Type{Optional: ref.Optional}
	switch {
	case ref.List != nil:
		t.Kind, t.Elem = KindList, l.goType(ref.List, false)
	case ref.Map != nil:
		t.Kind, t.Elem = KindMap, l.goType(ref.Map, true)
	case ref.Declared != nil:
		t.Kind, t.Named = KindNamed, l.declared[ref.Declared]
	case ref.Name != "":
		t.Kind, t.Import, t.Name = KindImported, ref.Import, ref.Name
		if l.at.Line > 0 {
			moved := *ref
			moved.At = l.at
			ref = &moved
		}
		l.imported = append(l.imported, use{ref, inMap && !ref.Optional})
	default:
		t.Builtin = ref.Builtin
	}
	return t
}
