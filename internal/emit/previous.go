package emit

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/jobgen/jobgen/internal/gotypes"
)

// upgradesFrom returns the way to the current version of a job's payload from
// each previous one.
func upgradesFrom(job *gotypes.Job, payload string) []jen.Code {
	upgrades := make([]jen.Code, len(job.Previous))
	for i, previous := range job.Previous {
		if previous.Name == "" {
			upgrades[i] = jen.Qual(runtimePath, "Unchanged").Types(jen.Id(structAfter(job, payload, i))).Call(jen.Lit(int(previous.Version)))
			continue
		}
		upgrades[i] = jen.Qual(runtimePath, "UpgradeFrom").Call(jen.Lit(int(previous.Version)), jen.Id("upgrades").Values().Dot(previous.Upgrade))
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

// An upgrade is a method that its author writes by hand.
type upgrade struct{ name, from, to string }

// upgradesOf returns the upgrades of a package in order.
func upgradesOf(pkg *gotypes.Package) []upgrade {
	var all []upgrade
	for _, job := range pkg.Jobs {
		for i, previous := range job.Previous {
			if previous.Name != "" {
				all = append(all, upgrade{previous.Upgrade, previous.Name, structAfter(job, job.Name+"Job", i)})
			}
		}
	}
	return all
}

// upgradesCode returns the file of the interface of all upgrades, or nil where
// there are none.
func upgradesCode(pkg *gotypes.Package) *jen.File {
	all := upgradesOf(pkg)
	if len(all) == 0 {
		return nil
	}
	f := newFile(pkg)
	f.Add(comment(`Upgrades turns payloads of previous versions, which jobs may still wait with,
into those of the next. It is written by hand, as methods of a type in this
package, type upgrades struct{}; what lacks a method does not compile.`).
		Type().Id("Upgrades").InterfaceFunc(func(g *jen.Group) {
		for _, u := range all {
			g.Id(u.name).Params(jen.Id(u.from)).Params(jen.Id(u.to), jen.Error())
		}
	}))
	f.Line().Var().Id("_").Id("Upgrades").Op("=").Id("upgrades").Values()
	return f
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

// MissingUpgrades returns what is to be written into a file of the directory
// dir, where pkg is generated, for its upgrades to be complete: Go to fill in,
// or "" where nothing is missing. Second are the methods there that pkg has no
// use for.
func MissingUpgrades(dir string, pkg *gotypes.Package) (missing string, unused []string, err error) {
	declared, methods, err := writtenUpgrades(dir)
	if err != nil {
		return "", nil, fmt.Errorf("look for upgrades in %s: %w", dir, err)
	}
	var b strings.Builder
	for _, u := range upgradesOf(pkg) {
		if methods[u.name] {
			delete(methods, u.name)
			continue
		}
		// Without a return it does not compile, so nobody forgets to fill it in.
		fmt.Fprintf(&b, "\nfunc (upgrades) %s(old %s) (%s, error) {\n}\n", u.name, u.from, u.to)
	}
	for _, name := range slices.Sorted(maps.Keys(methods)) {
		if strings.HasPrefix(name, "Upgrade") {
			unused = append(unused, name)
		}
	}
	text := b.String()
	if text != "" && !declared {
		text = "\ntype upgrades struct{}\n" + text
	}
	if text != "" && !declared && len(methods) == 0 {
		text = fmt.Sprintf("package %s\n", pkg.Name) + text
	}
	return strings.TrimPrefix(text, "\n"), unused, nil
}

// writtenUpgrades finds the type upgrades and its methods in the files of dir
// that jobgen has not made.
func writtenUpgrades(dir string) (declared bool, methods map[string]bool, err error) {
	methods = make(map[string]bool)
	root, err := openDir(dir, false)
	if err != nil || root == nil {
		return false, methods, err
	}
	defer root.Close()
	names, err := fs.Glob(root.FS(), "*.go")
	if err != nil {
		return false, nil, err
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := root.ReadFile(name)
		if err != nil {
			return false, nil, err
		}
		if bytes.HasPrefix(src, []byte(headerPrefix)) || !bytes.Contains(src, []byte("upgrades")) {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
		if err != nil {
			continue // the compiler says what is wrong
		}
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if t, ok := spec.(*ast.TypeSpec); ok && t.Name.Name == "upgrades" {
						declared = true
					}
				}
			case *ast.FuncDecl:
				if d.Recv != nil && len(d.Recv.List) == 1 && receiver(d.Recv.List[0].Type) == "upgrades" {
					methods[d.Name.Name] = true
				}
			}
		}
	}
	return declared, methods, nil
}

func receiver(t ast.Expr) string {
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if name, ok := t.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}
