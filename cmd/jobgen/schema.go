package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/jobgen/jobgen/internal/files"
	"github.com/jobgen/jobgen/internal/jsonschema"
	"github.com/jobgen/jobgen/internal/report"
	"github.com/jobgen/jobgen/internal/schema"
)

// schemaSuffix ends the names of the files that --all writes.
const schemaSuffix = ".schema.json"

func schemaCommand(format *report.Format) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "schema [jobs.yaml] [job]",
		Short: "Print a JSON Schema of jobs.yaml or of a job's payload",
		Long: `Schema prints a JSON Schema (2020-12).

Without a job it is the schema of jobs.yaml itself, for editors. An editor with
the YAML language server completes and checks a file whose first line is

  # yaml-language-server: $schema=jobs.schema.json

With a job it is the schema of the job's payload, as the generated code stores
it: for other languages and for tests. With --all it writes the schema of each
job to DIR/JOB.schema.json, and leaves files alone that are up to date.`,
		Example: `  # for the editor
  jobgen schema > jobs.schema.json

  # one payload
  jobgen schema email

  # every payload
  jobgen schema --all schemas`,
		Args:              cobra.MaximumNArgs(2),
		ValidArgsFunction: firstOnly(completeJobs),
		RunE: func(cmd *cobra.Command, args []string) error {
			files, names := fileFirst(args)
			switch {
			case len(names) > 1:
				return fmt.Errorf("%q and %q are two jobs: name one, or use --all", names[0], names[1])
			case dir != "" && len(names) > 0:
				return errors.New("--all is for every job: leave the job out")
			case dir == "" && len(names) == 0:
				return printSchema(cmd, jsonschema.Language())
			}
			_, c, err := read(cmd, *format, files)
			if err != nil {
				return err
			}
			if dir != "" {
				return writeSchemas(cmd, *format, dir, c.file.Jobs)
			}
			jobs, err := choose(c.file, names)
			if err != nil {
				return err
			}
			return printSchema(cmd, jsonschema.Payload(jobs[0]))
		},
	}
	cmd.Flags().StringVar(&dir, "all", "", "write the schema of each payload into this folder")
	_ = cmd.MarkFlagDirname("all") // the flag is there
	return cmd
}

func printSchema(cmd *cobra.Command, s *jsonschema.Schema) error {
	text, err := s.Text()
	if err != nil {
		return err
	}
	_, err = cmd.OutOrStdout().Write(text)
	return err
}

// writeSchemas makes dir hold the schema of each job's payload. What else is in
// it stays.
func writeSchemas(cmd *cobra.Command, format report.Format, dir string, jobs []*schema.Job) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	changed := 0
	for _, job := range jobs {
		text, err := jsonschema.Payload(job).Text()
		if err != nil {
			return err
		}
		path := filepath.Join(dir, job.Type.Value+schemaSuffix)
		written, err := files.Write(path, text)
		if err != nil {
			return err
		}
		if written {
			changed++
		}
	}
	if format == report.Text && changed > 0 {
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", shorten(dir), count(changed))
	}
	return nil
}
