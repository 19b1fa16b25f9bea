package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/jobgen/jobgen/internal/files"
)

// defaultFile is what is looked for when no file is given.
const defaultFile = "jobs.yaml"

// fileFirst divides arguments that may begin with a file, which ends in .yaml or
// .yml, and go on with the names of jobs.
func fileFirst(args []string) (file, jobs []string) {
	if len(args) > 0 {
		if ext := filepath.Ext(args[0]); ext == ".yaml" || ext == ".yml" {
			return args[:1], args[1:]
		}
	}
	return nil, args
}

// findFile returns the file to read: the one given, or the nearest jobs.yaml at
// or above the working directory, no higher than the root of its module.
func findFile(args []string) (string, error) {
	if len(args) > 0 {
		info, err := os.Stat(args[0])
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return "", &inputError{fmt.Errorf("there is no file %s", args[0])}
		case err != nil:
			return "", err
		case info.IsDir():
			return "", &inputError{fmt.Errorf("%s is a directory: name the file in it, such as %s", args[0], filepath.Join(args[0], defaultFile))}
		}
		return args[0], nil
	}
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	root, err := files.ModuleRoot(start)
	if err != nil {
		return "", err
	}
	top := start
	for top = range files.Above(start) {
		path := filepath.Join(top, defaultFile)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			if rel, err := filepath.Rel(start, path); err == nil {
				path = rel
			}
			return path, nil
		}
		if top == root {
			break
		}
	}
	return "", &inputError{fmt.Errorf("there is no %s in %s or above it, up to %s: write one, or name the file, as in jobgen generate path/to/jobs.yaml", defaultFile, start, top)}
}
