//go:build unix

package sqlite_test

import (
	"bytes"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestAFileThatCannotBeWrittenToIsRefused opens it in a process of another
// user where this one is root, whom rights do not stop. It is not parallel: a
// process that another test starts meanwhile would hold the program open.
func TestAFileThatCannotBeWrittenToIsRefused(t *testing.T) {
	dir, err := os.MkdirTemp("", "jobgen")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	self = filepath.Join(dir, "test")
	if err := os.WriteFile(self, program, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "jobs", "jobs.db")
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	attempt := func() string {
		t.Helper()
		child := osexec.Command(self)
		child.Env = append(os.Environ(), childRole+"=open", childPath+"="+path)
		child.Dir = dir
		if os.Getuid() == 0 {
			child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		var stderr bytes.Buffer
		child.Stderr = &stderr
		if err := child.Run(); child.ProcessState == nil || child.ProcessState.ExitCode() != 1 {
			t.Errorf("opened what cannot be written to: %v %s", err, &stderr)
		}
		return stderr.String()
	}
	modes := func(file, folder os.FileMode) {
		t.Helper()
		if file != 0 {
			if err := os.Chmod(path, file); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(filepath.Dir(path), folder); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	modes(0, 0o555)
	if got := attempt(); !strings.Contains(got, "see to the rights") {
		t.Errorf("a directory without the right to write: %s", got)
	}
	modes(0, 0o755)
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	modes(0o444, 0o777)
	if got := attempt(); !strings.Contains(got, "see to the rights") {
		t.Errorf("a file without the right to write: %s", got)
	}
	modes(0o666, 0o555)
	if got := attempt(); !strings.Contains(got, "see to the rights") {
		t.Errorf("a directory without the right to make the -wal file: %s", got)
	}
	modes(0o666, 0o755)
}
