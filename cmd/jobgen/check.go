package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/gotypes"
	"github.com/jobgen/jobgen/internal/schema"
)

// check reads the file at path and checks it, and returns its package, the
// directory that the package's code goes to, and what is wrong with it.
func check(ctx context.Context, path string) (*gotypes.Package, string, []problem, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, "", nil, err
	}
	file, mistakes := schema.Parse(path, src)
	if file == nil {
		return nil, "", problems(path, mistakes), nil
	}
	pkg, dir, more, err := gotypes.Load(ctx, file, filepath.Dir(path))
	if err != nil {
		return nil, "", nil, err
	}
	mistakes = append(mistakes, more...)
	mistakes.Sort()
	return pkg, dir, problems(path, mistakes), nil
}

func problems(path string, mistakes diagnostic.List) []problem {
	list := make([]problem, len(mistakes))
	for i, m := range mistakes {
		list[i] = problem{Path: path, Line: m.Line, Column: m.Column, Message: m.Message, Rule: m.Rule.ID}
	}
	return list
}
