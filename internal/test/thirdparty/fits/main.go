// Command fits asks that each line of a file, a job's name and its payload, fits
// the job's JSON Schema in a folder, and that each schema there is used. A story
// of cmd/jobgen runs it.
package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: fits FOLDER SUFFIX FILE")
		os.Exit(2)
	}
	if err := fits(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func fits(folder, suffix, file string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*"+suffix))
	if err != nil {
		return err
	}
	schemas, used := make(map[string]*jsonschema.Schema), make(map[string]bool)
	for _, file := range files {
		compiler := jsonschema.NewCompiler()
		compiler.AssertFormat()
		compiled, err := compiler.Compile(file)
		if err != nil {
			return err
		}
		schemas[strings.TrimSuffix(filepath.Base(file), suffix)] = compiled
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		job, text, _ := strings.Cut(lines.Text(), "\t")
		if schemas[job] == nil {
			return fmt.Errorf("%s has no schema", job)
		}
		used[job] = true
		payload, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err == nil {
			err = schemas[job].Validate(payload)
		}
		if err != nil {
			return fmt.Errorf("%s %s: %w", job, text, err)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if len(used) == 0 || len(used) != len(schemas) {
		return fmt.Errorf("%d of %d schemas were used", len(used), len(schemas))
	}
	return nil
}
