package main

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
)

// fits DIR FILE asks that each line of a file, a job's name and its payload,
// fits the job's schema in a folder, and that each schema there is used.
func fits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: fits DIR FILE")
	}
	files, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*"+schemaSuffix))
	ts.Check(err)
	schemas, used := make(map[string]*validator.Schema), make(map[string]bool)
	for _, file := range files {
		compiler := validator.NewCompiler()
		compiler.AssertFormat()
		compiled, err := compiler.Compile(file)
		ts.Check(err)
		schemas[strings.TrimSuffix(filepath.Base(file), schemaSuffix)] = compiled
	}
	f, err := os.Open(ts.MkAbs(args[1]))
	ts.Check(err)
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		job, text, _ := strings.Cut(lines.Text(), "\t")
		if schemas[job] == nil {
			ts.Fatalf("there is no schema of %s", job)
		}
		used[job] = true
		payload, err := validator.UnmarshalJSON(strings.NewReader(text))
		ts.Check(err)
		if err := schemas[job].Validate(payload); err != nil {
			ts.Fatalf("%s %s: %v", job, text, err)
		}
	}
	ts.Check(lines.Err())
	if len(used) == 0 || len(used) != len(schemas) {
		ts.Fatalf("%d of %d schemas were used", len(used), len(schemas))
	}
}
