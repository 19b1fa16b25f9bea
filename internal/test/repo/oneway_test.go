package repo_test

import (
	"go/ast"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gopackages "golang.org/x/tools/go/packages"
)

// TestTheFilesOfRuntimeUseEachOtherOneWay looks for files of package runtime
// that use each other in a circle. What has to refer to each other is declared in
// one file, model.go.
func TestTheFilesOfRuntimeUseEachOtherOneWay(t *testing.T) {
	t.Parallel()
	uses := fileUses(t, "./runtime")
	if len(uses) < 20 {
		t.Fatalf("only %d files were found", len(uses))
	}
	seen := make(map[string]bool)
	var visit func(file string, path []string)
	visit = func(file string, path []string) {
		if i := slices.Index(path, file); i >= 0 {
			t.Errorf("files use each other in a circle: %s", strings.Join(append(path[i:], file), " → "))
			return
		}
		if seen[file] {
			return
		}
		for _, used := range slices.Sorted(maps.Keys(uses[file])) {
			visit(used, append(slices.Clone(path), file))
		}
		seen[file] = true
	}
	for _, file := range slices.Sorted(maps.Keys(uses)) {
		visit(file, nil)
	}
}

// fileUses returns, for each file of a package, the others whose functions,
// methods, types, variables and constants it uses.
func fileUses(t *testing.T, pattern string) map[string]map[string]bool {
	t.Helper()
	loaded, err := gopackages.Load(&gopackages.Config{
		Mode: gopackages.NeedName | gopackages.NeedFiles | gopackages.NeedSyntax | gopackages.NeedTypes | gopackages.NeedTypesInfo | gopackages.NeedImports | gopackages.NeedDeps,
	}, pattern)
	if err != nil || len(loaded) != 1 || len(loaded[0].Errors) > 0 {
		t.Fatalf("load %s: %v, %v", pattern, loaded, err)
	}
	p := loaded[0]
	uses := make(map[string]map[string]bool)
	for _, file := range p.Syntax {
		user := filepath.Base(p.Fset.Position(file.Pos()).Filename)
		uses[user] = make(map[string]bool)
		ast.Inspect(file, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			used := p.TypesInfo.Uses[id]
			if used == nil || used.Pkg() != p.Types {
				return true
			}
			method, isFunction := used.(*types.Func)
			if used.Parent() != p.Types.Scope() && (!isFunction || method.Signature().Recv() == nil) {
				return true // a field, a parameter or a local variable
			}
			if in := filepath.Base(p.Fset.Position(used.Pos()).Filename); in != user {
				uses[user][in] = true
			}
			return true
		})
	}
	return uses
}
