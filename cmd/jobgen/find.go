package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// defaultFile is what is looked for when no file is given.
const defaultFile = "jobs.yaml"

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
	for dir := start; ; dir = filepath.Dir(dir) {
		path := filepath.Join(dir, defaultFile)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			if rel, err := filepath.Rel(start, path); err == nil {
				path = rel
			}
			return path, nil
		}
		_, err := os.Stat(filepath.Join(dir, "go.mod"))
		if err == nil || dir == filepath.Dir(dir) {
			return "", &inputError{fmt.Errorf("there is no %s in %s or above it, up to %s: write one, or name the file, as in jobgen generate path/to/jobs.yaml", defaultFile, start, dir)}
		}
	}
}
