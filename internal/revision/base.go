package revision

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/jobgen/jobgen/internal/breaking"
	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/lock"
	"github.com/jobgen/jobgen/internal/schema"
)

// gitPrefix begins the name of a base that is in a commit.
const gitPrefix = "git:"

// A Base is what a jobs.yaml is compared with.
type Base struct {
	Name string // what places in it begin with
	File *schema.File
	Lock *schema.Lock // that went with it; nil where there was none
	// FromLock says that File was made from a jobs.lock.
	FromLock bool
	// Where says where it was found, for people: "HEAD (3f2a1b9)".
	Where string
}

// A UsageError says that there is nothing to compare with where the user has
// said, and what to change.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

func usage(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// Find returns the base of the jobs.yaml at path. against is git:REF, a file or
// a directory. Without it the base is the file in the last commit, and where no
// commit has it, what the lock, whose content is locked, says of the newest
// versions.
//
// An error is a [UsageError] where there is no such base, or where it has
// mistakes. Every other error means that it could not be looked for.
func Find(ctx context.Context, path, against string, locked []byte) (*Base, error) {
	if ref, ok := strings.CutPrefix(against, gitPrefix); ok {
		return inCommit(ctx, path, ref)
	}
	if against != "" {
		return inFile(path, against)
	}
	base, missing, err := inHead(ctx, path)
	if base != nil || err != nil {
		return base, err
	}
	lockPath := lock.Path(path)
	if locked == nil {
		return nil, usage("there is nothing to compare %s with: %s, and there is no %s; say --against", path, missing, filepath.Base(lockPath))
	}
	l, mistakes := lock.Parse(lockPath, locked)
	if l == nil {
		return nil, mistaken(lockPath, mistakes)
	}
	return &Base{Name: lockPath, File: l.File(), Lock: l, FromLock: true, Where: fmt.Sprintf("%s: %s", lockPath, missing)}, nil
}

// inFile returns the base in another file, or in a directory under the name of
// path.
func inFile(path, against string) (*Base, error) {
	info, err := os.Stat(against)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usage("--against %s: there is no such file or directory; a commit is written %s%[1]s", against, gitPrefix)
	case err != nil:
		return nil, err
	case info.IsDir():
		against = filepath.Join(against, filepath.Base(path))
	}
	src, err := os.ReadFile(against)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usage("--against: %w", err)
	}
	if err != nil {
		return nil, err
	}
	locked, err := os.ReadFile(lock.Path(against))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return parse(against, against, src, locked)
}

// parse returns the base with the content src, and locked as its lock, nil for
// none.
func parse(name, where string, src, locked []byte) (*Base, error) {
	b := &Base{Name: name, Where: where}
	var mistakes diagnostic.List
	if b.File, mistakes = schema.Parse(name, src); len(mistakes) > 0 {
		return nil, mistaken(name, mistakes)
	}
	if locked != nil {
		if b.Lock, mistakes = lock.Parse(lock.Path(name), locked); b.Lock == nil {
			return nil, mistaken(lock.Path(name), mistakes)
		}
	}
	lock.Arrange(b.Lock, b.File)
	return b, nil
}

func mistaken(name string, mistakes diagnostic.List) error {
	first := mistakes[0]
	return usage("%s:%s: %s [%s]; it cannot be compared with", name, first.Position, first.Message, first.Rule.Name)
}

// Upgraded returns whether the payload that a job has in the base is one of the
// versions that the program of file reads. file has the lock that goes with it,
// which refuses the findings refused.
func (b *Base) Upgraded(file *schema.File, refused []breaking.Finding) func(job string) bool {
	isRefused := make(map[string]bool)
	for _, r := range refused {
		isRefused[r.Job] = true
	}
	payloads := make(map[string][]*schema.Field)
	for _, job := range b.File.Jobs {
		payloads[job.Type.Value] = job.Payload
	}
	return func(job string) bool {
		now := file.Lock.Job(job)
		if now == nil || isRefused[job] {
			return false
		}
		before := b.Lock.Job(job)
		for i := len(now.Versions) - 1; i >= 0; i-- {
			v := now.Versions[i]
			if before != nil && v.Version == before.Newest().Version {
				return true
			}
			if before == nil {
				c := breaking.Payloads(breaking.Shape{Fields: v.Fields}, breaking.Shape{Fields: payloads[job]})
				if c.Reads() && c.ReadBack() {
					return true
				}
			}
		}
		return false
	}
}

// Jobs returns the types of the jobs that the base or its lock names.
func (b *Base) Jobs() map[string]bool {
	known := make(map[string]bool)
	for _, job := range b.File.Jobs {
		known[job.Type.Value] = true
	}
	if b.Lock != nil {
		for _, job := range b.Lock.Jobs {
			known[job.Type.Value] = true
		}
	}
	return known
}
