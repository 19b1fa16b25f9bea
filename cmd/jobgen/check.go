package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/gotypes"
	"github.com/jobgen/jobgen/internal/schema"
)

// A checked file is one that was read and checked.
type checked struct {
	file *schema.File
	pkg  *gotypes.Package
	dir  string // where the package's code goes
}

// read finds and checks the file that args name, and returns its path and what
// is in it. Mistakes in it are reported, and errReported returned.
func read(cmd *cobra.Command, format reportFormat, args []string) (string, checked, error) {
	path, err := findFile(args)
	if err != nil {
		return "", checked{}, err
	}
	c, problems, err := check(cmd.Context(), path)
	if err == nil && len(problems) > 0 {
		err = report(cmd, format, problems)
	}
	return path, c, err
}

// check reads the file at path and returns what is in it and what is wrong
// with it.
func check(ctx context.Context, path string) (checked, []problem, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return checked{}, nil, err
	}
	file, mistakes := schema.Parse(path, src)
	if file == nil {
		return checked{}, problems(path, mistakes), nil
	}
	pkg, dir, more, err := gotypes.Load(ctx, file, filepath.Dir(path))
	if err != nil {
		return checked{}, nil, err
	}
	mistakes = append(mistakes, more...)
	mistakes.Sort()
	return checked{file, pkg, dir}, problems(path, mistakes), nil
}

func problems(path string, mistakes diagnostic.List) []problem {
	list := make([]problem, len(mistakes))
	for i, m := range mistakes {
		list[i] = problem{Path: path, Line: m.Line, Column: m.Column, Message: m.Message, Rule: m.Rule.ID}
	}
	return list
}
