package repo_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// A snippet is a fenced block of a document.
type snippet struct{ page, language, text string }

// snippets returns a page's blocks, without the spaces that they stand in.
func snippets(t *testing.T, page string) []snippet {
	t.Helper()
	var list []snippet
	for _, block := range regexp.MustCompile("(?ms)^( *)```([a-z]+)\n(.*?)^ *```$").FindAllStringSubmatch(read(t, page), -1) {
		text := regexp.MustCompile("(?m)^"+block[1]).ReplaceAllString(block[3], "")
		list = append(list, snippet{page, block[2], text})
	}
	return list
}

// complete reports whether the snippet is a file, not a piece of one.
func (s snippet) complete() bool {
	switch s.language {
	case "go":
		return strings.HasPrefix(s.text, "package ")
	case "yaml":
		return regexp.MustCompile(`(?m)^version:`).MatchString(s.text)
	}
	return false
}

// goEnvironment makes the go command take modules from the cache, so that the
// network is not asked for jobgen, and keep go.mod right itself.
var goEnvironment = sync.OnceValues(func() ([]string, error) {
	// A build leaves out of the cache what it has no use for, such as modules
	// for another system, whose go.mod is read all the same. Where there is no
	// network, the cache may still do: what is missing will be named.
	_ = exec.Command("go", "mod", "download").Run()
	out, err := exec.Command("go", "env", "-json", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	var env struct{ GOCACHE, GOMODCACHE string }
	if err := json.Unmarshal(out, &env); err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	return append(os.Environ(),
		"GOCACHE="+env.GOCACHE, "GOMODCACHE="+env.GOMODCACHE, "GOPROXY=file://"+filepath.ToSlash(env.GOMODCACHE)+"/cache/download",
		"GOFLAGS=-mod=mod -buildvcs=false -ldflags=-w", "GONOSUMDB=*", "GOTOOLCHAIN=local", "GOWORK=off"), nil
})

// run runs a command in dir and returns what it says.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	env, err := goEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	command.Dir, command.Env = dir, env
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(file), 0o755)
	if err == nil {
		err = os.WriteFile(file, []byte(text), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// thisModule is the replacement that a module needs to be built with jobgen as
// it is here.
func thisModule(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	return module + "=" + root
}

// newShop makes the module that the documents speak of.
func newShop(t *testing.T, yaml string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	write(t, filepath.Join(dir, "go.sum"), read(t, "go.sum"))
	write(t, filepath.Join(dir, "jobs.yaml"), yaml)
	run(t, dir, "go", "mod", "init", "example.com/shop")
	run(t, dir, "go", "mod", "edit", "-replace="+thisModule(t), "-require="+module+"@v0.0.0")
	run(t, dir, "go", "get", "-tool", module+"/cmd/jobgen")
	return dir
}
