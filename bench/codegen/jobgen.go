package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// setUpJobgen builds jobgen and makes the module whose jobs.yaml it reads.
func (b *bench) setUpJobgen() error {
	b.jobgen = filepath.Join(b.dir, "jobgen")
	if _, err := b.exec(b.root, nil, io.Discard, "go", "build", "-o", b.jobgen, "./cmd/jobgen"); err != nil {
		return err
	}
	// The requirements are those of this module, which are in its go.sum.
	mod, err := os.ReadFile(filepath.Join(b.root, "go.mod"))
	if err != nil {
		return err
	}
	_, requirements, _ := strings.Cut(string(mod), "\nrequire (")
	requirements, _, _ = strings.Cut(requirements, "\ntool ")
	sum, err := os.ReadFile(filepath.Join(b.root, "go.sum"))
	if err != nil {
		return err
	}
	if err := write(b.app(), map[string]string{
		"go.mod": "module example.com/app\n\ngo 1.26.0\n\nrequire github.com/jobgen/jobgen v0.0.0\n\nreplace github.com/jobgen/jobgen => " + b.root +
			"\n\nrequire (" + requirements,
		"go.sum": string(sum),
	}); err != nil {
		return err
	}
	return b.writeJobs(0)
}

// writeJobs writes the jobs.yaml of a round, one of whose jobs has the round in
// its documentation.
func (b *bench) writeJobs(round int) error {
	var text strings.Builder
	text.WriteString("version: 1\npackage: example.com/app/gen/jobs\nqueues: {work: {}}\njobs:\n")
	for i := range b.jobs {
		if i == 0 {
			fmt.Fprintf(&text, "  # In round %d:\n", round)
		}
		fmt.Fprintf(&text, "  # Does work of kind %d.\n  work_%d:\n    queue: work\n    max_attempts: 5\n    payload:\n", i, i)
		text.WriteString("      account_id: int64\n      subject: string\n      count: int64\n      at: time\n      tags: [string]\n")
	}
	return write(b.app(), map[string]string{"jobs.yaml": text.String()})
}
