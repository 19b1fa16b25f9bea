package files_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jobgen/jobgen/internal/files"
)

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestAFileIsWrittenOnlyWhereItsContentDiffers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "jobs.lock")
	for i, want := range []bool{true, false} {
		if changed, err := files.Write(path, []byte("a\nb\n")); changed != want || err != nil {
			t.Errorf("write %d: changed %v, error %v", i, changed, err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "jobs.lock" {
		t.Errorf("the directory holds %v, error %v", entries, err)
	}
	if _, err := files.Write(filepath.Join(dir, "nowhere", "jobs.lock"), nil); err == nil {
		t.Error("no error where the directory does not exist")
	}
}

func TestLineEndsAreKept(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		have, write string
		changed     bool
		want        string
	}{
		{"a\r\nb\r\n", "a\nb\n", false, "a\r\nb\r\n"},
		{"a\r\nb\r\n", "a\nc\n", true, "a\r\nc\r\n"},
		{"a\r\nb\n", "a\nb\n", false, "a\r\nb\n"},
		{"a\r\nb\n", "c\nd\n", true, "c\r\nd\r\n"},
		{"a\nb\r\n", "c\nd\n", true, "c\nd\n"},
		{"", "a\n", true, "a\n"},
		{"\n", "a\r\nb\n", true, "a\nb\n"},
	} {
		path := filepath.Join(t.TempDir(), "file")
		put(t, path, c.have)
		changed, err := files.Write(path, []byte(c.write))
		if changed != c.changed || err != nil {
			t.Errorf("%q over %q: changed %v, error %v", c.write, c.have, changed, err)
		}
		if data, err := os.ReadFile(path); string(data) != c.want || err != nil {
			t.Errorf("%q over %q: %q, error %v; want %q", c.write, c.have, data, err, c.want)
		}
	}
	if files.Same(nil, []byte{}) || !files.Same(nil, nil) {
		t.Error("a missing file is the same as an empty one")
	}
}

func TestModeAndLinkStay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "real", "file"), "a\n")
	if err := os.Chmod(filepath.Join(dir, "real", "file"), 0o640); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join("real", "file"), link); err != nil {
		t.Fatal(err)
	}
	if changed, err := files.Write(link, []byte("b\n")); !changed || err != nil {
		t.Fatalf("changed %v, error %v", changed, err)
	}
	info, err := os.Lstat(filepath.Join(dir, "real", "file"))
	if err != nil || info.Mode() != 0o640 {
		t.Errorf("the file is %v, error %v", info.Mode(), err)
	}
	if to, err := os.Readlink(link); to != filepath.Join("real", "file") || err != nil {
		t.Errorf("the link leads to %q, error %v", to, err)
	}
	nowhere := filepath.Join(dir, "nowhere")
	if err := os.Symlink("missing", nowhere); err != nil {
		t.Fatal(err)
	}
	if _, err := files.Write(nowhere, []byte("b\n")); err == nil {
		t.Error("a link to nothing is replaced")
	}
}

func TestCreateLeavesWhatIsThere(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	for i, want := range []bool{true, false} {
		if created, err := files.Create(path, []byte(strings.Repeat("a", i+1))); created != want || err != nil {
			t.Errorf("create %d: %v, error %v", i, created, err)
		}
	}
	if data, err := os.ReadFile(path); string(data) != "a" || err != nil {
		t.Errorf("it holds %q, error %v", data, err)
	}
}

func TestApplyChangesNothingWhereOneFileCannotBeWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "a"), "a\n")
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	err = files.Apply(root, files.Change{Name: "a", Have: []byte("a\n"), Want: []byte("b\n")}, files.Change{Name: "gone", Have: []byte("x"), Want: []byte("y")})
	if err == nil {
		t.Error("no error where a file to replace is gone")
	}
	entries, err := os.ReadDir(dir)
	if data, _ := os.ReadFile(filepath.Join(dir, "a")); err != nil || len(entries) != 1 || string(data) != "a\n" {
		t.Errorf("the directory holds %v, a holds %q, error %v", entries, data, err)
	}
}

func TestADiffPassesOverLineEnds(t *testing.T) {
	t.Parallel()
	if d := files.Diff("x", []byte("a\r\nb\r\n"), []byte("a\nb\n")); d != "" {
		t.Errorf("%q", d)
	}
	if d, want := files.Diff("x", []byte("a\r\nb\r\n"), []byte("a\nc\n")), "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"; d != want {
		t.Errorf("%q, want %q", d, want)
	}
	if d, want := files.Diff("x", nil, []byte("a\n")), "--- "+os.DevNull+"\n+++ b/x\n@@ -0,0 +1,1 @@\n+a\n"; d != want {
		t.Errorf("%q, want %q", d, want)
	}
}

func TestAModuleIsFoundFromAnyDirectoryOfIt(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "go.mod"), "module example.com/shop\n")
	put(t, filepath.Join(dir, "broken", "go.mod"), "go 1.26\n")
	put(t, filepath.Join(dir, "folder", "go.mod", "x"), "")
	put(t, filepath.Join(dir, "real", "mail", "jobs.yaml"), "")
	if err := os.Symlink("real", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{".", "deep/down", "folder"} {
		root, path, err := files.Module(filepath.Join(dir, at))
		if root != dir || path != "example.com/shop" || err != nil {
			t.Errorf("%s: %q, %q, error %v", at, root, path, err)
		}
	}
	if _, _, err := files.Module(filepath.Join(dir, "broken")); err == nil {
		t.Error("no error of a go.mod without a module line")
	}
	for _, at := range []string{"real/mail", "link/mail"} {
		if name, err := files.InModule(dir, filepath.Join(dir, at, "jobs.yaml")); name != "real/mail/jobs.yaml" || err != nil {
			t.Errorf("%s: %q, error %v", at, name, err)
		}
	}
	if name, err := files.InModule(dir, filepath.Join(filepath.Dir(dir), "jobs.yaml")); err == nil {
		t.Errorf("a file outside is %q", name)
	}
}
