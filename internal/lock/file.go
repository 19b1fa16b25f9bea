package lock

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// Path returns the lock that goes with the jobs.yaml at path: the file beside
// it with the ending .lock.
func Path(path string) string { return strings.TrimSuffix(path, filepath.Ext(path)) + ".lock" }

// Same reports whether a file is as wanted, but for the line ends that git
// gives it on some systems. A file that is not there is not.
func Same(have, want []byte) bool {
	return have != nil && bytes.Equal(bytes.ReplaceAll(have, []byte("\r\n"), []byte("\n")), want)
}

// Write makes the file at path hold data, unless it does, and reports whether
// it did not. It is replaced as a whole.
func Write(path string, data []byte) (changed bool, err error) {
	have, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return false, fmt.Errorf("write lock: %w", err)
	case Same(have, data):
		return false, nil
	}
	temporary := filepath.Join(filepath.Dir(path), ".jobgen-"+rand.Text()+".tmp")
	if err := writeNew(temporary, data); err != nil {
		return false, fmt.Errorf("write lock: %w", errors.Join(err, os.Remove(temporary)))
	}
	if err := os.Rename(temporary, path); err != nil {
		return false, fmt.Errorf("write lock: %w", errors.Join(err, os.Remove(temporary)))
	}
	return true, nil
}

func writeNew(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// Diff returns a unified diff from what the file called name holds to what it
// should.
func Diff(name string, have, want []byte) string {
	from := "a/" + name
	if have == nil {
		from = os.DevNull
	}
	_, text, _ := strings.Cut(string(diff.Diff(from, have, "b/"+name, want)), "\n") // without the line "diff a b"
	return text
}
