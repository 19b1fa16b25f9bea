package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jobgen/jobgen/internal/breaking"
	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/gotypes"
	"github.com/jobgen/jobgen/internal/lock"
	"github.com/jobgen/jobgen/internal/report"
	"github.com/jobgen/jobgen/internal/schema"
)

// A checked file is one that was read and checked.
type checked struct {
	src  []byte
	file *schema.File
	pkg  *gotypes.Package
	dir  string // where the package's code goes

	lockPath string
	locked   []byte      // what the lock holds; nil where there is none
	advanced lock.Result // the lock that goes with the file
}

// read finds and checks the file that args name, and returns its path and what
// is in it. Mistakes in it are reported, and errReported returned.
func read(cmd *cobra.Command, format report.Format, args []string) (string, checked, error) {
	path, err := findFile(args)
	if err != nil {
		return "", checked{}, err
	}
	c, problems, err := check(cmd.Context(), path)
	if err == nil && len(problems) > 0 {
		err = fail(cmd, format, problems)
	}
	return path, c, err
}

// check reads the file at path and returns what is in it and what is wrong
// with it.
func check(ctx context.Context, path string) (checked, []report.Problem, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return checked{}, nil, err
	}
	file, mistakes := schema.Parse(path, src)
	if file == nil {
		return checked{}, report.Mistakes(path, mistakes), nil
	}
	c := checked{src: src, file: file, lockPath: lock.Path(path)}
	var wrong []report.Problem
	if other := sharesLock(path); other != "" {
		wrong = append(wrong, report.Problem{Path: path, Message: fmt.Sprintf("%s would have the same %s: rename one of them", other, filepath.Base(c.lockPath))})
		return c, append(report.Mistakes(path, mistakes), wrong...), nil
	}
	mistakes = append(mistakes, breaking.CheckAccepted(file)...)
	if len(mistakes) == 0 {
		if wrong, err = c.advance(); err != nil {
			return checked{}, nil, err
		}
	}
	pkg, dir, more, err := gotypes.Load(ctx, file, filepath.Dir(path))
	if err != nil {
		return checked{}, nil, err
	}
	mistakes = append(mistakes, more...)
	mistakes.Sort()
	c.pkg, c.dir = pkg, dir
	return c, append(report.Mistakes(path, mistakes), wrong...), nil
}

// sharesLock returns another jobs.yaml that the lock of the file at path would
// go with, since only the ending of its name differs, or "".
func sharesLock(path string) string {
	for _, ending := range []string{".yaml", ".yml"} {
		other := strings.TrimSuffix(path, filepath.Ext(path)) + ending
		if other == path {
			continue
		}
		src, err := os.ReadFile(other)
		if err != nil {
			continue // it is not there, or cannot be one
		}
		if file, _ := schema.Parse(other, src); file != nil && file.Package.Value != "" {
			return other
		}
	}
	return ""
}

// advance reads the lock that goes with the file, which is without mistakes,
// and advances it. It returns what is wrong with it.
func (c *checked) advance() ([]report.Problem, error) {
	src, err := os.ReadFile(c.lockPath)
	var old *schema.Lock
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		var mistakes diagnostic.List
		if old, mistakes = lock.Parse(c.lockPath, src); old == nil {
			return report.Mistakes(c.lockPath, mistakes), nil
		}
		c.locked = src
	}
	c.advanced = lock.Advance(old, c.file)
	c.file.Lock = c.advanced.Lock
	return nil, nil
}

// refused returns what the lock refuses of the file.
func (c *checked) refused() []report.Problem {
	list := make([]report.Problem, len(c.advanced.Refused))
	for i, f := range c.advanced.Refused {
		list[i] = report.Finding(c.file.Name, c.lockPath, f)
	}
	return list
}
