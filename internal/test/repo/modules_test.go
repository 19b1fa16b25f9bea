package repo_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// nestedModules are those whose packages `go test ./...` leaves out.
var nestedModules = []string{"examples", "internal/test/pgtest/fetch", "internal/test/thirdparty"}

// TestTheNestedModulesPassTheirTests makes `go test ./...` test them too.
func TestTheNestedModulesPassTheirTests(t *testing.T) {
	t.Parallel()
	for _, module := range nestedModules {
		t.Run(module, func(t *testing.T) {
			t.Parallel()
			command := exec.CommandContext(t.Context(), "go", "test", "./...")
			command.Dir = module
			command.Env = append(os.Environ(), "GOWORK=off")
			if said, err := command.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, said)
			}
		})
	}
}

// maxModules is how many modules the graph of a program may have that uses
// jobgen on PostgreSQL: itself, jobgen, and what those need. River's has 29.
const maxModules = 30

func TestAProgramHasFewModulesInItsGraph(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.sum"), read(t, "go.sum"))
	write(t, filepath.Join(dir, "go.mod"), "module example.com/shop\n\ngo 1.26\n\nrequire "+module+" v0.0.0\n\nreplace "+module+" => "+here+"\n")
	write(t, filepath.Join(dir, "main.go"), "package main\n\nimport _ \""+module+"/runtime/postgres\"\n\nfunc main() {}\n")
	for _, args := range [][]string{{"list", "-deps", "."}, {"list", "-m", "all"}} {
		command := exec.CommandContext(t.Context(), "go", args...)
		command.Dir = dir
		command.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
		said, err := command.Output()
		if err != nil {
			t.Fatalf("go %s: %v", strings.Join(args, " "), err)
		}
		if args[1] == "-m" {
			if modules := strings.Fields(string(said)); strings.Count(string(said), "\n") > maxModules {
				t.Errorf("%d modules, more than %d: %s", strings.Count(string(said), "\n"), maxModules, modules)
			}
		}
	}
}
