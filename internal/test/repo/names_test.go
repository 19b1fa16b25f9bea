package repo_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// What package runtime may export. Users read all of it, so neither number is
// ever raised to make room.
const (
	maxNames   = 60
	maxMethods = 60
)

func TestRuntimeExportsFewNames(t *testing.T) {
	t.Parallel()
	names, methods := exported(t, "runtime")
	if len(names) > maxNames {
		t.Errorf("package runtime exports %d names, more than %d: %s", len(names), maxNames, strings.Join(names, " "))
	}
	if len(methods) > maxMethods {
		t.Errorf("package runtime exports %d methods, more than %d: %s", len(methods), maxMethods, strings.Join(methods, " "))
	}
	if len(names) < 30 || len(methods) < 30 {
		t.Errorf("only %d names and %d methods were found", len(names), len(methods))
	}
}

// exported returns what the package in a folder exports: its constants,
// variables, functions and types, and the methods that it declares for these.
// Methods of interfaces are part of their types.
func exported(t *testing.T, folder string) (names, methods []string) {
	t.Helper()
	own, _ := packages(t)
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range own[folder].GoFiles {
		file, err := parser.ParseFile(fset, own[folder].Dir+"/"+name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	p, err := doc.NewFromFiles(fset, files, own[folder].ImportPath)
	if err != nil {
		t.Fatal(err)
	}
	values := func(lists ...[]*doc.Value) {
		for _, value := range slices.Concat(lists...) {
			for _, name := range value.Names {
				if ast.IsExported(name) {
					names = append(names, name)
				}
			}
		}
	}
	values(p.Consts, p.Vars)
	functions := p.Funcs
	for _, of := range p.Types {
		names = append(names, of.Name)
		values(of.Consts, of.Vars)
		functions = append(functions, of.Funcs...)
		for _, method := range of.Methods {
			methods = append(methods, of.Name+"."+method.Name)
		}
	}
	for _, function := range functions {
		names = append(names, function.Name)
	}
	slices.Sort(names)
	return names, methods
}
