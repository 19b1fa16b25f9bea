package repo_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/jobgen/jobgen"

// A rule says what a package may be built with.
type rule struct {
	// own are the packages of this module that it may import.
	own []string
	// modules are the others whose code comes with it, however indirectly.
	modules []string
}

var (
	runtimeModules  = []string{"github.com/bwmarrin/snowflake"}
	postgresModules = slices.Concat(runtimeModules, pgxModules, []string{"github.com/jackc/puddle/v2", "golang.org/x/sync"})
	sqliteModules   = slices.Concat(runtimeModules, []string{
		"github.com/ncruces/go-sqlite3", "github.com/ncruces/go-sqlite3-wasm/v6", "github.com/ncruces/julianday", "golang.org/x/sys",
	})
	pgxModules  = []string{"github.com/jackc/pgx/v5", "github.com/jackc/pgpassfile", "github.com/jackc/pgservicefile", "golang.org/x/text"}
	goModules   = []string{"golang.org/x/mod", "golang.org/x/sync", "golang.org/x/tools"}
	yamlModules = []string{"github.com/goccy/go-yaml"}
	emitModules = slices.Concat(yamlModules, runtimeModules, goModules, []string{"github.com/dave/jennifer", "github.com/rogpeppe/go-internal"})
)

// rules has every package of the module: generated code may import runtime,
// back ends may import it, it imports none of them, and the generator stays
// on its own side.
var rules = map[string]rule{
	"runtime":          {own: []string{"runtime/codec", "runtime/driver", "runtime/internal/engine", "runtime/observe"}, modules: runtimeModules},
	"runtime/driver":   {modules: runtimeModules},
	"runtime/codec":    {modules: runtimeModules},
	"runtime/observe":  {modules: runtimeModules},
	"runtime/value":    {},
	"gen/jobs":         {own: []string{"runtime", "runtime/codec", "runtime/value"}, modules: runtimeModules},
	"runtime/memory":   {own: []string{"runtime", "runtime/driver", "runtime/internal/wake"}, modules: runtimeModules},
	"runtime/postgres": {own: []string{"runtime", "runtime/driver", "runtime/internal/wake", "runtime/postgres/internal/pgdb"}, modules: postgresModules},
	"runtime/sqlite":   {own: []string{"runtime", "runtime/driver", "runtime/internal/wake", "runtime/sqlite/internal/sqlitedb"}, modules: sqliteModules},

	"runtime/postgres/internal/pgdb":   {modules: pgxModules},
	"runtime/sqlite/internal/sqlitedb": {},

	"runtime/queuetest": {
		own:     []string{"runtime", "runtime/driver", "runtime/memory", "runtime/observe", "runtime/value"},
		modules: slices.Concat(runtimeModules, []string{"github.com/google/go-cmp", "pgregory.net/rapid"}),
	},

	"cmd/jobgen": {
		// runtime/postgres is where breaking and prune look, and has the roles' script.
		own: []string{
			"internal/breaking", "internal/cache", "internal/diagnostic", "internal/emit", "internal/files", "internal/format", "internal/gotypes", "internal/jsonschema",
			"internal/lock", "internal/report", "internal/revision", "internal/schema", "runtime/driver", "runtime/postgres",
		},
		modules: slices.Concat(emitModules, postgresModules, []string{"github.com/spf13/cobra", "github.com/spf13/pflag"}),
	},
	"internal/diagnostic":  {},
	"internal/test/corpus": {own: []string{"internal/diagnostic", "internal/files"}, modules: []string{"github.com/rogpeppe/go-internal", "golang.org/x/mod", "golang.org/x/tools"}},
	"internal/files":       {modules: []string{"github.com/rogpeppe/go-internal", "golang.org/x/mod"}},
	"internal/yaml":        {own: []string{"internal/diagnostic"}, modules: yamlModules},
	"internal/fieldtype":   {own: []string{"runtime/codec", "runtime/value"}, modules: runtimeModules},
	"internal/schema":      {own: []string{"internal/diagnostic", "internal/fieldtype", "internal/yaml"}, modules: slices.Concat(yamlModules, runtimeModules)},
	"internal/format": {
		own:     []string{"internal/diagnostic", "internal/schema", "internal/yaml"},
		modules: slices.Concat(yamlModules, runtimeModules),
	},
	"internal/report": {
		own:     []string{"internal/breaking", "internal/diagnostic"},
		modules: slices.Concat(yamlModules, runtimeModules),
	},
	"internal/revision": {
		own:     []string{"internal/breaking", "internal/diagnostic", "internal/files", "internal/lock", "internal/schema"},
		modules: slices.Concat(yamlModules, runtimeModules, []string{"github.com/rogpeppe/go-internal", "golang.org/x/mod"}),
	},
	"internal/cache":      {own: []string{"internal/files"}, modules: []string{"github.com/rogpeppe/go-internal", "golang.org/x/mod"}},
	"internal/jsonschema": {own: []string{"internal/fieldtype", "internal/schema"}, modules: slices.Concat(yamlModules, runtimeModules)},
	// The runtime's codec is what programs read payloads with.
	"internal/breaking": {own: []string{"internal/diagnostic", "internal/schema"}, modules: slices.Concat(yamlModules, runtimeModules)},
	"internal/lock": {
		own:     []string{"internal/breaking", "internal/diagnostic", "internal/schema", "internal/yaml"},
		modules: slices.Concat(yamlModules, runtimeModules),
	},
	"internal/gotypes": {
		own:     []string{"internal/diagnostic", "internal/fieldtype", "internal/files", "internal/schema"},
		modules: slices.Concat(yamlModules, runtimeModules, goModules, []string{"github.com/rogpeppe/go-internal"}),
	},
	"internal/emit": {own: []string{"internal/files", "internal/gotypes"}, modules: emitModules},

	"internal/test/faulttest": {},
	"internal/test/repo":      {},

	"runtime/internal/wake":      {},
	"runtime/internal/engine":    {own: []string{"runtime/driver", "runtime/internal/wake"}, modules: runtimeModules},
	"internal/test/pgproxy":      {},
	"internal/test/rolltest":     {}, // all of it is a test
	"internal/test/leak":         {},
	"internal/test/pgtest":       {modules: pgxModules},
	"internal/test/pgtest/serve": {own: []string{"internal/test/pgtest", "runtime/postgres"}, modules: postgresModules},
}

// A goPackage is what go list says of a package.
type goPackage struct {
	ImportPath string
	Name       string
	Dir        string
	Doc        string
	Standard   bool
	Module     *struct{ Path string }
	GoFiles    []string
	Imports    []string
	Deps       []string
}

// goPackages are this module's packages by their paths below it, and all that
// any of them is built with by import path.
type goPackages struct {
	own, all map[string]*goPackage
	err      error
}

var listed = sync.OnceValue(func() (list goPackages) {
	command := exec.Command("go", "list", "-deps", "-json=ImportPath,Name,Dir,Doc,Standard,Module,GoFiles,Imports,Deps", "./...")
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return goPackages{err: fmt.Errorf("%s: %w", command, err)}
	}
	list.own, list.all = map[string]*goPackage{}, map[string]*goPackage{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		p := &goPackage{}
		if err := decoder.Decode(p); err != nil {
			return goPackages{err: fmt.Errorf("%s: %w", command, err)}
		}
		list.all[p.ImportPath] = p
		if name, ok := strings.CutPrefix(p.ImportPath, module+"/"); ok {
			list.own[name] = p
		}
	}
	return list
})

func packages(t *testing.T) (own, all map[string]*goPackage) {
	t.Helper()
	list := listed()
	if list.err != nil {
		t.Fatal(list.err)
	}
	return list.own, list.all
}

func TestEachPackageImportsOnlyWhatItMay(t *testing.T) {
	t.Parallel()
	own, all := packages(t)
	for name := range rules {
		if own[name] == nil {
			t.Errorf("there is a rule for %s, but no such package", name)
		}
	}
	for name, p := range own {
		rule, ok := rules[name]
		if !ok {
			t.Errorf("package %s has no rule: say in deps_test.go what it may be built with", name)
			continue
		}
		for _, imported := range p.Imports {
			if other, ours := strings.CutPrefix(imported, module+"/"); ours && !slices.Contains(rule.own, other) {
				t.Errorf("package %s imports %s", name, other)
			}
		}
		unused := map[string]bool{}
		for _, m := range rule.modules {
			unused[m] = true
		}
		for _, path := range p.Deps {
			dep := all[path]
			if dep.Standard || dep.Module == nil || dep.Module.Path == module {
				continue
			}
			delete(unused, dep.Module.Path)
			if !slices.Contains(rule.modules, dep.Module.Path) {
				t.Errorf("package %s is built with %s", name, path)
			}
		}
		if len(unused) > 0 {
			t.Errorf("package %s may be built with %q, and is not: take it out of the rule", name, slices.Sorted(maps.Keys(unused)))
		}
	}
}

// The interfaces of database/sql/driver, which a value implements to be stored
// in the user's own tables, are no driver.
func TestRuntimeAndGeneratedCodeKnowNoDatabase(t *testing.T) {
	t.Parallel()
	own, _ := packages(t)
	for _, name := range []string{"runtime", "runtime/codec", "gen/jobs", "runtime/memory", "runtime/queuetest"} {
		if slices.Contains(own[name].Deps, "database/sql") {
			t.Errorf("package %s is built with database/sql", name)
		}
	}
}

// TestEachPackageSaysWhatItIs wants a library's doc comment in doc.go, unless
// one file is all there is, and a program's in main.go. What sqlc makes is
// said in the package that uses it.
func TestEachPackageSaysWhatItIs(t *testing.T) {
	t.Parallel()
	own, _ := packages(t)
	for name, p := range own {
		written := 0
		for _, file := range p.GoFiles {
			if !generated(t, filepath.Join(p.Dir, file)) {
				written++
			}
		}
		if strings.HasSuffix(name, "db") && written == 0 {
			continue
		}
		want := "Package " + p.Name + " "
		if p.Name == "main" {
			want = "Command " + path.Base(name) + " "
		}
		if !strings.HasPrefix(p.Doc, want) {
			t.Errorf("the doc comment of %s begins %q, want %q", name, p.Doc, want)
		}
		if p.Name != "main" && written > 1 && !slices.Contains(p.GoFiles, "doc.go") {
			t.Errorf("package %s has %d files and no doc.go", name, written)
		}
	}
}

func TestNoPackageIsADrawerForAnything(t *testing.T) {
	t.Parallel()
	own, _ := packages(t)
	drawers := []string{"util", "utils", "helper", "helpers", "common", "manager", "base", "misc", "shared"}
	for name, p := range own {
		if slices.Contains(drawers, p.Name) || slices.Contains(drawers, path.Base(name)) {
			t.Errorf("package %s has a name that says nothing", name)
		}
	}
}

// maxLines is the length of a file past which it has two subjects. Tests are
// excepted: a list of cases may be long.
const maxLines = 400

func TestNoFileHasTwoSubjects(t *testing.T) {
	t.Parallel()
	count := 0
	atRoot()
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "testdata" || file != "." && strings.HasPrefix(entry.Name(), ".")):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") || generated(t, file):
			return nil
		}
		count++
		if lines := strings.Count(read(t, file), "\n"); lines > maxLines {
			t.Errorf("%s has %d lines, more than %d: it has two subjects", file, lines, maxLines)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if count < 100 {
		t.Errorf("only %d files were looked at", count)
	}
}

var generatedLine = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

func generated(t *testing.T, file string) bool {
	t.Helper()
	return generatedLine.MatchString(read(t, file))
}

func read(t *testing.T, file string) string {
	t.Helper()
	atRoot()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
