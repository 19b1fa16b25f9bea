package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/jobgen/jobgen/internal/breaking"
	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/lock"
	"github.com/jobgen/jobgen/internal/schema"
)

// A former file is what a jobs.yaml was.
type former struct {
	name     string // what to call it in places
	file     *schema.File
	lock     *schema.Lock // that went with it; nil where it is not known
	fromLock bool         // the file was made of a lock
}

// findFormer returns what the file at path was, by what --against says.
func findFormer(ctx context.Context, path string, c checked, against string) (*former, error) {
	if ref, ok := strings.CutPrefix(against, "git:"); ok {
		return gitFormer(ctx, path, ref)
	}
	if against != "" {
		info, err := os.Stat(against)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, &inputError{fmt.Errorf("--against %s: there is no such file or directory; a commit is written git:%s", against, against)}
		case err != nil:
			return nil, err
		case info.IsDir():
			against = filepath.Join(against, filepath.Base(path))
		}
		src, err := os.ReadFile(against)
		if err != nil {
			return nil, &inputError{fmt.Errorf("--against: %w", err)}
		}
		locked, err := os.ReadFile(lock.Path(against))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		return newFormer(against, src, locked)
	}
	if _, err := git(ctx, path, "rev-parse", "--verify", "--quiet", "HEAD:./"+filepath.Base(path)); err == nil {
		return gitFormer(ctx, path, "HEAD")
	}
	if c.locked == nil {
		return nil, &inputError{fmt.Errorf("there is nothing to compare %s with: it is in no commit and has no %s; say --against", path, filepath.Base(c.lockPath))}
	}
	locked, mistakes := schema.ParseLock(c.lockPath, c.locked)
	if locked == nil {
		return nil, mistaken(c.lockPath, mistakes)
	}
	return &former{name: c.lockPath, file: locked.File(), lock: locked, fromLock: true}, nil
}

func gitFormer(ctx context.Context, path, ref string) (*former, error) {
	if ref == "" || strings.HasPrefix(ref, "-") {
		return nil, &inputError{fmt.Errorf("--against git:%s: name a commit, as in git:HEAD or git:origin/main", ref)}
	}
	src, err := git(ctx, path, "show", ref+":./"+filepath.Base(path))
	if err != nil {
		return nil, &inputError{fmt.Errorf("--against git:%s: %w", ref, err)}
	}
	// The lock is younger than many a file.
	locked, err := git(ctx, path, "show", ref+":./"+lock.Path(filepath.Base(path)))
	if err != nil {
		locked = nil
	}
	return newFormer(ref+":"+path, src, locked)
}

// git runs git where the file at path is.
func git(ctx context.Context, path string, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, "git", append([]string{"-C", filepath.Dir(path)}, args...)...)
	var stderr strings.Builder
	command.Stderr = &stderr
	out, err := command.Output()
	if message := strings.TrimSpace(stderr.String()); err != nil && message != "" {
		return nil, errors.New(message)
	}
	return out, err
}

func newFormer(name string, src, locked []byte) (*former, error) {
	f := &former{name: name}
	var mistakes diagnostic.List
	if f.file, mistakes = schema.Parse(name, src); len(mistakes) > 0 {
		return nil, mistaken(name, mistakes)
	}
	if locked != nil {
		if f.lock, mistakes = schema.ParseLock(lock.Path(name), locked); f.lock == nil {
			return nil, mistaken(lock.Path(name), mistakes)
		}
	}
	return f, nil
}

func mistaken(name string, mistakes diagnostic.List) error {
	first := mistakes[0]
	return &inputError{fmt.Errorf("%s:%s: %s [%s]; it cannot be compared with", name, first.Position, first.Message, first.Rule.ID)}
}

// upgraded says of which jobs the payload of the former file is one of the
// versions that the file's program reads. Without a lock nobody knows.
func (f *former) upgraded(c checked) func(job string) bool {
	refused := make(map[string]bool)
	for _, r := range c.advanced.Refused {
		refused[r.Job] = true
	}
	payloads := make(map[string][]*schema.Field)
	for _, job := range f.file.Jobs {
		payloads[job.Type.Value] = job.Payload
	}
	return func(job string) bool {
		now := c.file.Lock.Job(job)
		if now == nil || refused[job] || c.locked == nil {
			return false
		}
		before := f.lock.Job(job)
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
