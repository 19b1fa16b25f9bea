package files

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A Change is what becomes of one file of a directory.
type Change struct {
	Name string // without folders
	Have []byte // what the file holds; nil where there is none
	Want []byte // what it will hold, with the line ends of Have; nil to remove it
}

// Apply makes the changes in dir. It writes every new content under a temporary
// name, then renames them all, then removes what is to go: a failure to write
// changes nothing. A file that is replaced keeps its mode.
func Apply(dir *os.Root, changes ...Change) (err error) {
	temporary := make(map[string]string, len(changes)) // by the name that it will have
	defer func() {
		for _, name := range temporary {
			_ = dir.Remove(name) // an error is being returned already
		}
	}()
	tag := rand.Text()
	for i, c := range changes {
		if c.Want == nil {
			continue
		}
		name := fmt.Sprintf(".jobgen-%s-%d.tmp", tag, i)
		temporary[c.Name] = name
		if err := writeNew(dir, name, c); err != nil {
			return err
		}
	}
	for _, c := range changes {
		if c.Want == nil {
			continue
		}
		if err := dir.Rename(temporary[c.Name], c.Name); err != nil {
			return err
		}
		delete(temporary, c.Name)
	}
	for _, c := range changes {
		if c.Want == nil {
			if err := dir.Remove(c.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// writeNew writes what c wants to a new file.
func writeNew(dir *os.Root, name string, c Change) error {
	f, err := dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(LineEndsOf(c.Have, c.Want))
	if c.Have != nil {
		info, statErr := dir.Stat(c.Name)
		if err = errors.Join(err, statErr); err == nil {
			err = f.Chmod(info.Mode().Perm())
		}
	}
	return errors.Join(err, f.Close())
}

// Write makes the file at path hold data and reports whether it had to be
// changed: other line ends are no change. The file is replaced as a whole, and
// keeps its mode, its line ends and a symbolic link to it. Its directory must
// exist.
func Write(path string, data []byte) (changed bool, err error) {
	target := path
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if target, err = filepath.EvalSymlinks(path); err != nil {
			return false, err
		}
	}
	have, err := os.ReadFile(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		have = nil
	case err != nil:
		return false, err
	case Same(have, data):
		return false, nil
	}
	dir, err := os.OpenRoot(filepath.Dir(target))
	if err != nil {
		return false, err
	}
	defer dir.Close()
	if data == nil {
		data = []byte{} // an empty file, not none
	}
	return true, Apply(dir, Change{Name: filepath.Base(target), Have: have, Want: data})
}

// Create writes a file where nothing is at path, and reports whether it did.
func Create(path string, data []byte) (created bool, err error) {
	_, err = os.Lstat(path)
	switch {
	case err == nil:
		return false, nil
	case !errors.Is(err, fs.ErrNotExist):
		return false, err
	}
	return Write(path, data)
}
