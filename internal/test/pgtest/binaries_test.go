package pgtest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// install makes a folder with programs that say they are of that version.
func install(t *testing.T, root, version string, programs ...string) (dir string) {
	t.Helper()
	dir = filepath.Join(root, version, "bin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range programs {
		script := fmt.Sprintf("#!/bin/sh\necho '%s (PostgreSQL) %s (Debian %s-1)'\n", name, version, version)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// openFolder is a temporary folder that the server's user may look into, as
// t.TempDir is not.
func openFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "jobgen-pgtest-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestTheNewestPostgreSQLIsTaken(t *testing.T) {
	t.Parallel()
	root := openFolder(t)
	old := install(t, root, "14.22", "postgres", "initdb")
	older := install(t, root, "15.3", "postgres", "initdb")
	newer := install(t, root, "15.18", "postgres", "initdb")
	beta := install(t, root, "19beta1", "postgres", "initdb")
	clientOnly := install(t, root, "20.1", "psql")
	half := install(t, root, "21.1", "postgres")
	for _, c := range []struct {
		want string
		list []string
	}{
		{"", nil},
		{"", []string{old, clientOnly, half, filepath.Join(root, "none"), ""}},
		{newer, []string{older, newer, old}},
		{newer, []string{newer, older}},
		{beta, []string{half, newer, beta, newer}},
	} {
		if have := newest(c.list); have != c.want {
			t.Errorf("of %q %q is taken, want %q", c.list, have, c.want)
		}
	}
}

func TestALinkToAProgramLeadsToItsNeighbours(t *testing.T) {
	t.Parallel()
	root := openFolder(t)
	dir := install(t, root, "17.2", "postgres", "initdb")
	if err := os.Symlink(filepath.Join(dir, "postgres"), filepath.Join(root, "postgres")); err != nil {
		t.Fatal(err)
	}
	if have := newest([]string{root}); have != dir {
		t.Errorf("%q is taken, want %q", have, dir)
	}
}
