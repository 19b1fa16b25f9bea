package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/jobgen/jobgen/internal/files"
	"github.com/jobgen/jobgen/internal/jsonschema"
)

// A schemaComment names the JSON Schema of a file to an editor: as the YAML
// language server reads it, or as GoLand does.
var schemaComment = regexp.MustCompile(`^#\s*(?:yaml-language-server:\s*\$schema=|\$schema:\s*)(\S+)\s*$`)

// editorSchema returns the file that a comment at the top of src, a jobs.yaml,
// names as its schema, as a path from the folder of jobs.yaml. It is "" where none
// does, and where that is not a .json file in that folder or below it, such as the
// address of a website.
func editorSchema(src []byte) string {
	for line := range bytes.Lines(bytes.TrimPrefix(src, []byte("\ufeff"))) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' {
			break
		}
		if m := schemaComment.FindSubmatch(line); m != nil {
			name := filepath.Clean(filepath.FromSlash(string(m[1])))
			if filepath.IsLocal(name) && strings.HasSuffix(name, ".json") && !strings.Contains(name, ":") {
				return name
			}
		}
	}
	return ""
}

// schemaChange returns the path of the schema for editors that the file at path
// names, "" for none, and what has to change there, nil for nothing.
func schemaChange(path string, src []byte) (string, *files.Change, error) {
	name := editorSchema(src)
	if name == "" {
		return "", nil, nil
	}
	at := filepath.Join(filepath.Dir(path), name)
	want, err := jsonschema.Language().Text()
	if err != nil {
		return "", nil, err
	}
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	defer root.Close()
	have, err := root.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		have = nil
	case err != nil:
		return "", nil, fmt.Errorf("read the schema for editors that %s names: %w", filepath.Base(path), err)
	case !bytes.Contains(have, []byte(`"title": "jobs.yaml"`)):
		return "", nil, &inputError{fmt.Errorf("%s is not a schema of jobs.yaml: name another file in the first lines of %s", shorten(at), filepath.Base(path))}
	}
	if files.Same(have, want) {
		return at, nil, nil
	}
	return at, &files.Change{Name: name, Have: have, Want: want}, nil
}

// writeSchema makes a change of the schema for editors that the file at path
// names. No symbolic link leads it out of the folder of that file.
func writeSchema(path string, change files.Change) error {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer root.Close()
	if dir := filepath.Dir(change.Name); dir != "." {
		if err := root.MkdirAll(dir, 0o777); err != nil {
			return err
		}
		below, err := root.OpenRoot(dir)
		if err != nil {
			return err
		}
		defer below.Close()
		root, change.Name = below, filepath.Base(change.Name)
	}
	return files.Apply(root, change)
}
