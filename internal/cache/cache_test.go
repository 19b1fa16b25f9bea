package cache_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/jobgen/jobgen/internal/cache"
)

// tree writes files below dir, creating what is missing.
func tree(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnyChangeOfWhatCodeIsMadeOfIsSeen(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(dir string) error{
		"the source":                  func(dir string) error { return os.WriteFile(dir+"/a/jobs.yaml", []byte("2"), 0o666) },
		"the lock":                    func(dir string) error { return os.WriteFile(dir+"/a/jobs.lock", []byte("2"), 0o666) },
		"the lock is gone":            func(dir string) error { return os.Remove(dir + "/a/jobs.lock") },
		"a generated file":            func(dir string) error { return os.WriteFile(dir+"/gen/jobs/b.gen.go", []byte("2"), 0o666) },
		"a generated file is gone":    func(dir string) error { return os.Remove(dir + "/gen/jobs/b.gen.go") },
		"another generated file":      func(dir string) error { return os.WriteFile(dir+"/gen/jobs/c.gen.go", nil, 0o666) },
		"the module":                  func(dir string) error { return os.WriteFile(dir+"/go.mod", []byte("2"), 0o666) },
		"a module around the code":    func(dir string) error { return os.WriteFile(dir+"/gen/go.mod", nil, 0o666) },
		"a module around the source":  func(dir string) error { return os.WriteFile(dir+"/a/go.mod", nil, 0o666) },
		"a file of the user's":        func(dir string) error { return os.WriteFile(dir+"/gen/jobs/mine.go", []byte("2"), 0o666) },
		"the schema for editors":      func(dir string) error { return os.WriteFile(dir+"/a/schema.json", []byte("2"), 0o666) },
		"the schema is gone":          func(dir string) error { return os.Remove(dir + "/a/schema.json") },
		"the code is gone altogether": func(dir string) error { return os.RemoveAll(dir + "/gen") },
		"the cache is gone":           func(dir string) error { return os.RemoveAll(dir + "/cache") },
		"the entry is not valid": func(dir string) error {
			files, err := filepath.Glob(dir + "/cache/*.json")
			if err != nil || len(files) != 1 {
				return os.ErrNotExist
			}
			return os.WriteFile(files[0], []byte("{"), 0o666)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			tree(t, dir, map[string]string{"go.mod": "1", "a/jobs.yaml": "1", "a/jobs.lock": "1", "a/schema.json": "1", "gen/jobs/b.gen.go": "1", "gen/jobs/mine.go": "1"})
			kept, source := cache.Open(dir+"/cache"), filepath.Join(dir, "a", "jobs.yaml")
			if kept.Current(source) {
				t.Fatal("it is current before anything was generated")
			}
			if err := kept.Keep(source, filepath.Join(dir, "gen", "jobs"), dir+"/a/schema.json"); err != nil {
				t.Fatal(err)
			}
			tree(t, dir, map[string]string{"gen/jobs/deep/x.go": "2", "gen/y.go": "2", "b/jobs.yaml": "1"})
			if !kept.Current(source) {
				t.Fatal("it is not current, and nothing has changed")
			}
			if kept.Current(filepath.Join(dir, "b", "jobs.yaml")) {
				t.Error("another file with the same content is current, and has no code")
			}
			if err := change(dir); err != nil {
				t.Fatal(err)
			}
			if kept.Current(source) {
				t.Error("the change is not seen")
			}
		})
	}
}

func TestWithoutAFolderNothingIsKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tree(t, dir, map[string]string{"jobs.yaml": "1", "gen/a.gen.go": "1"})
	var none cache.Cache
	if err := none.Keep(dir+"/jobs.yaml", dir+"/gen", ""); err != nil {
		t.Fatal(err)
	}
	if none.Current(dir + "/jobs.yaml") {
		t.Error("it is current, and nothing could be kept")
	}
}
