package gotypes

import (
	"fmt"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/mod/module"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/files"
	"github.com/jobgen/jobgen/internal/schema"
)

// target says where the generated package goes.
type target struct {
	path   string // import path
	name   string // package name
	dir    string // directory, which need not be there
	source string // the jobs.yaml, by its path in the module
}

// place finds where the package of a file in dir goes. What it returns after a
// mistake has names as far as there are any, and no dir.
func (l *loader) place(dir string, pkg schema.Text) (target, error) {
	if pkg.At.Line == 0 {
		return target{}, nil // reported by package schema
	}
	if err := module.CheckImportPath(pkg.Value); err != nil {
		why := err.Error()
		if bad, ok := err.(*module.InvalidPathError); ok {
			why = bad.Err.Error()
		}
		l.mistakes.Add(pkg.At, diagnostic.BadPackagePath, "package %q is not a valid import path: %s", pkg.Value, why)
		return target{}, nil
	}
	to := target{path: pkg.Value, name: packageName(pkg.Value)}
	if why := badPackage(to); why != "" {
		l.mistakes.Add(pkg.At, diagnostic.BadPackageName, "package %q cannot be generated: %s", pkg.Value, why)
		return to, nil
	}
	root, modPath, err := files.Module(dir)
	if err != nil {
		return to, err
	}
	if root == "" {
		l.mistakes.Add(pkg.At, diagnostic.OutsideModule, "no go.mod is in %s or above it: put the file into a Go module, which go mod init makes", dir)
		return to, nil
	}
	l.root, l.module = root, modPath
	rel, ok := strings.CutPrefix(pkg.Value+"/", modPath+"/")
	if !ok {
		l.mistakes.Add(pkg.At, diagnostic.OutsideModule, "package %q is outside the module %s that the file is in: write a path such as %s", pkg.Value, modPath, path.Join(modPath, "gen/jobs"))
		return to, nil
	}
	out := filepath.Join(root, filepath.FromSlash(rel))
	if why, err := leavesModule(root, out); why != "" || err != nil {
		if why != "" {
			l.mistakes.Add(pkg.At, diagnostic.OutsideModule, "package %q is outside the module %s: %s", pkg.Value, modPath, why)
		}
		return to, err
	}
	if to.source, err = files.InModule(root, filepath.Join(dir, filepath.Base(l.file.Name))); err != nil {
		return to, err
	}
	to.dir = out
	return to, nil
}

// leavesModule returns why out is not in the module at root, although its path
// is below: another module or a symbolic link is on the way.
func leavesModule(root, out string) (string, error) {
	realRoot, err := filepath.EvalSymlinks(root)
	if err != nil {
		return "", err
	}
	for dir := out; dir != root; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return fmt.Sprintf("the module of %s begins in between", filepath.Join(dir, "go.mod")), nil
		}
		info, err := os.Stat(dir)
		switch {
		case os.IsNotExist(err):
			if info, err := os.Lstat(dir); err == nil && info.Mode()&fs.ModeSymlink != 0 {
				return fmt.Sprintf("%s is a symbolic link to nowhere", dir), nil
			}
			continue
		case err != nil:
			return "", err
		case !info.IsDir():
			return fmt.Sprintf("%s is not a directory", dir), nil
		}
		real, err := filepath.EvalSymlinks(dir)
		if err != nil {
			return "", err
		}
		if rel, err := filepath.Rel(realRoot, real); err != nil || !filepath.IsLocal(rel) {
			return fmt.Sprintf("a symbolic link leads %s to %s", dir, real), nil
		}
	}
	return "", nil
}

var versionElement = regexp.MustCompile(`^v[0-9]+$`)

// packageName returns the name of the package at an import path: its last
// element, or the last but one before a version, without what no name holds.
func packageName(importPath string) string {
	base, dir := path.Base(importPath), path.Dir(importPath)
	if versionElement.MatchString(base) && dir != "." {
		base = path.Base(dir)
	}
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, base)
}

// badPackage returns why no package can be generated there, or "".
func badPackage(to target) string {
	switch {
	case !token.IsIdentifier(to.name) || to.name == "_":
		return fmt.Sprintf("its name would be %q, which is not a valid name in Go: end the path in another element", to.name)
	case to.name == "main", to.name == "documentation", strings.HasSuffix(to.name, "_test"):
		return fmt.Sprintf("a package %s cannot be imported: end the path in another element", to.name)
	}
	for element := range strings.SplitSeq(to.path, "/") {
		if element == "vendor" || element == "testdata" || strings.HasPrefix(element, "_") {
			return fmt.Sprintf("the go command ignores directories called %s", element)
		}
	}
	return ""
}
