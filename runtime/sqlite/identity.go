package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// ErrFileChanged says that the file was deleted, moved or replaced while a
// Store had it open, or one of the files beside it. What is written to an open
// file that has no name any more is lost, so nothing is written until the file
// is back in its place or the process has opened the new one.
var ErrFileChanged = errors.New("the SQLite file has changed under the open store")

// An identity is which files a store has open. It may be used from several
// goroutines at once.
type identity struct {
	files   []openFile // the database first
	made    time.Time
	checked atomic.Int64 // when all were last found in their places, in ns since made
}

// besidePause is how long it is believed of the files beside the first that they
// are in their places. It saves a process that commits ten thousand times a
// second a twentieth of its time.
const besidePause = 10 * time.Millisecond

type openFile struct {
	path string
	info fs.FileInfo
}

// identify returns the identity of the database at path, which a connection
// has open.
func identify(path string) (*identity, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	id := &identity{files: []openFile{{path, info}}, made: time.Now()}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		for _, beside := range []string{path + suffix, target + suffix} {
			// SQLite has made the log by now; the shared memory is not a file everywhere.
			if info, err := os.Stat(beside); err == nil {
				id.files = append(id.files, openFile{beside, info})
				break
			}
		}
	}
	return id, nil
}

// check returns an error that wraps [ErrFileChanged] unless the paths still
// lead to the files that are open. It takes a few microseconds.
func (id *identity) check() error {
	if time.Since(id.made)-time.Duration(id.checked.Load()) < besidePause {
		return lookAt(id.files[:1])
	}
	return id.look()
}

// look is check without a pause.
func (id *identity) look() error {
	now := time.Since(id.made)
	err := lookAt(id.files)
	if err == nil {
		id.checked.Store(int64(now))
	}
	return err
}

func lookAt(files []openFile) error {
	for _, f := range files {
		info, err := os.Stat(f.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("%w: %s was deleted or moved; put it back, or restart the program to begin with another file", ErrFileChanged, f.path)
		case err != nil:
			return fmt.Errorf("look for the open file: %w", err)
		case !os.SameFile(info, f.info):
			return fmt.Errorf("%w: another file is at %s now; put the first one back, or restart the program to use the new one", ErrFileChanged, f.path)
		}
	}
	return nil
}
