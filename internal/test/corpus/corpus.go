// Package corpus gives tests every jobs.yaml that the repository holds: those
// of its documents, stories, examples and catalogues, and one for each mistake
// that there is a rule about.
package corpus

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/files"
)

// A File is one jobs.yaml, right or wrong.
type File struct {
	Name string // where it is, unique
	Src  string
	Rule *diagnostic.Rule // what it breaks, of the example of a rule
}

var fence = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// repository returns the root of the outermost module that the test is in: some
// tests are in a module of their own.
func repository() (root string, err error) {
	for in := "."; ; in = filepath.Dir(root) {
		outer, err := files.ModuleRoot(in)
		if err != nil || outer == "" && root == "" {
			return "", fmt.Errorf("find the root of the module: %q, %w", root, err)
		}
		if outer == "" {
			return root, nil
		}
		root = outer
	}
}

// Files returns the corpus in one order.
func Files(t testing.TB) []File {
	t.Helper()
	root, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	var all []File
	for _, rule := range diagnostic.Rules() {
		all = append(all, File{Name: rule.Name, Src: rule.Example, Rule: rule})
	}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if entry.IsDir() {
			if name != "." && strings.HasPrefix(entry.Name(), ".") || name == "tools" {
				return fs.SkipDir
			}
			return nil
		}
		switch filepath.Ext(name) {
		case ".yaml", ".txtar", ".md":
		default:
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		switch filepath.Ext(name) {
		case ".yaml":
			all = append(all, one(name, string(data))...)
		case ".txtar":
			for _, f := range txtar.Parse(data).Files {
				if strings.HasSuffix(f.Name, ".yaml") {
					all = append(all, one(name+"/"+f.Name, string(f.Data))...)
				}
			}
		case ".md":
			if name == "docs/reference/diagnostics.md" {
				return nil // the rules' own examples
			}
			for _, match := range fence.FindAllSubmatch(data, -1) {
				all = append(all, one(name, string(match[1]))...)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 50 {
		t.Fatalf("the corpus has only %d files", len(all))
	}
	return all
}

// one returns a file that says that it is a jobs.yaml.
func one(name, src string) []File {
	if !strings.Contains(src, "version: ") || !strings.Contains(src, "package: ") {
		return nil
	}
	return []File{{Name: name, Src: src}}
}
