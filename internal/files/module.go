package files

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"golang.org/x/mod/modfile"
)

// Above returns dir and every directory above it, the nearest first.
func Above(dir string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for yield(dir) && dir != filepath.Dir(dir) {
			dir = filepath.Dir(dir)
		}
	}
}

// ModuleRoot returns the nearest directory at or above dir that has a go.mod,
// or "" where none has. Neither dir nor what is above it has to exist.
func ModuleRoot(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for at := range Above(dir) {
		info, err := os.Stat(filepath.Join(at, "go.mod"))
		switch {
		case err == nil && !info.IsDir():
			return at, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
	}
	return "", nil
}

// Module returns the root and the path of the module that dir is in, or "" for
// both where it is in none.
func Module(dir string) (root, path string, err error) {
	root, err = ModuleRoot(dir)
	if root == "" || err != nil {
		return "", "", err
	}
	file := filepath.Join(root, "go.mod")
	data, err := os.ReadFile(file)
	if err != nil {
		return "", "", err
	}
	if path = modfile.ModulePath(data); path == "" {
		return "", "", fmt.Errorf("%s has no module line", file)
	}
	return root, path, nil
}

// InModule returns the path of a file below the root of its module, with
// slashes, for texts that are the same on each machine. A directory that a
// symbolic link of the module leads to has the path that it is at.
func InModule(root, file string) (string, error) {
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return "", err
	}
	for _, resolve := range []bool{true, false} {
		from, to := root, dir
		if resolve {
			if from, err = filepath.EvalSymlinks(root); err != nil {
				return "", err
			}
			if to, err = filepath.EvalSymlinks(dir); err != nil {
				return "", err
			}
		}
		if rel, err := filepath.Rel(from, to); err == nil && filepath.IsLocal(rel) {
			return filepath.ToSlash(filepath.Join(rel, filepath.Base(file))), nil
		}
	}
	return "", fmt.Errorf("%s is not in %s", file, root)
}
