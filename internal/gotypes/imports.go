package gotypes

import (
	"context"
	"fmt"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/tools/go/packages"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/schema"
)

// checkImports checks the Go types that the file names, with one Load for all
// of them, which reads what the compiler exported and no source.
func (l *loader) checkImports(ctx context.Context, dir string, to target) error {
	var uses []use
	var paths []string
	for _, u := range l.imported {
		if why := badImport(u.ref.Import, to); why != "" {
			l.mistakes.Add(u.ref.At, diagnostic.NotImportable, "%s cannot be the type of a field: %s", fullName(u.ref), why)
			continue
		}
		uses = append(uses, u)
		paths = append(paths, u.ref.Import)
	}
	if len(uses) == 0 {
		return nil
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	loaded, err := packages.Load(&packages.Config{
		Context: ctx,
		Dir:     dir,
		Mode:    packages.NeedName | packages.NeedTypes | packages.NeedImports | packages.NeedDeps | packages.NeedExportFile,
	}, paths...)
	if err != nil {
		return fmt.Errorf("load the Go packages that the file names: %w", err)
	}
	byPath := make(map[string]*packages.Package, len(loaded))
	for _, p := range loaded {
		byPath[p.PkgPath] = p
	}
	importers := &importers{of: to.path, known: make(map[*packages.Package]bool)}
	for _, u := range uses {
		l.checkUse(u, byPath[u.ref.Import], importers)
	}
	return nil
}

func fullName(ref *schema.Ref) string { return ref.Import + "." + ref.Name }

// badImport returns why the generated package cannot import path, as far as the
// path says, or "".
func badImport(path string, to target) string {
	if err := module.CheckImportPath(path); err != nil || strings.Contains(path, "...") {
		return fmt.Sprintf("%q is not a valid import path", path)
	}
	switch path {
	case "C", "all", "cmd", "std", "tool", "work":
		return fmt.Sprintf("%q is not a package but a word of the go command", path)
	}
	if path == to.path {
		return "it is in the package that is generated; declare it under types"
	}
	// The go command's rule: what is in internal is for those below its parent.
	elements := strings.Split(path, "/")
	for i, element := range slices.Backward(elements) {
		if element != "internal" {
			continue
		}
		parent := strings.Join(elements[:i], "/")
		if parent == "" || !strings.HasPrefix(to.path+"/", parent+"/") {
			return fmt.Sprintf("%s is internal, and %s is not below %q", path, to.path, parent)
		}
		break
	}
	return ""
}

// importers finds the packages that import the generated one.
type importers struct {
	of    string
	known map[*packages.Package]bool
}

func (i *importers) has(p *packages.Package) bool {
	if p.PkgPath == i.of {
		return true
	}
	if has, done := i.known[p]; done {
		return has
	}
	i.known[p] = false
	for _, imported := range p.Imports {
		if i.has(imported) {
			i.known[p] = true
		}
	}
	return i.known[p]
}

func (l *loader) checkUse(u use, p *packages.Package, importers *importers) {
	at, name := u.ref.At, fullName(u.ref)
	switch {
	case p == nil:
		l.mistakes.Add(at, diagnostic.PackageNotFound, "%s", l.notLoaded(u.ref, "the go command does not know it"))
		return
	case importers.has(p):
		l.mistakes.Add(at, diagnostic.NotImportable, "%s cannot be the type of a field: its package imports the one that is generated", name)
		return
	case len(p.Errors) > 0:
		l.mistakes.Add(at, diagnostic.PackageNotFound, "%s", l.notLoaded(u.ref, p.Errors[0].Msg))
		return
	case p.Name == "main":
		l.mistakes.Add(at, diagnostic.NotImportable, "%s cannot be the type of a field: its package is a main package", name)
		return
	case p.Types == nil:
		l.mistakes.Add(at, diagnostic.PackageNotFound, "package %s cannot be loaded: the compiler exported nothing", u.ref.Import)
		return
	}
	object, _ := p.Types.Scope().Lookup(u.ref.Name).(*types.TypeName)
	if object == nil || !object.Exported() {
		l.mistakes.Add(at, diagnostic.TypeNotFound, "package %s has no exported type %s%s", u.ref.Import, u.ref.Name, l.suggest.Suggest(u.ref.Name, typeNames(p.Types)))
		return
	}
	if why := generic(object.Type()); why != "" {
		l.mistakes.Add(at, diagnostic.NotImportable, "%s cannot be the type of a field: %s", name, why)
		return
	}
	if why := (&roundTrip{}).lost(object.Type(), !u.inMap); why != "" {
		l.mistakes.Add(at, diagnostic.NoRoundTrip, "%s would not survive being stored as JSON: %s", name, why)
	}
}

func generic(t types.Type) string {
	if p, ok := t.(interface{ TypeParams() *types.TypeParamList }); ok && p.TypeParams().Len() > 0 {
		return "it is generic; declare a type of one instance of it"
	}
	return ""
}

// typeNames returns the exported types of a package.
func typeNames(p *types.Package) []string {
	var names []string
	for _, name := range p.Scope().Names() {
		if _, ok := p.Scope().Lookup(name).(*types.TypeName); ok && token.IsExported(name) {
			names = append(names, name)
		}
	}
	return names
}
