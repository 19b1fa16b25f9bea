package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/jobgen/jobgen/internal/files"
	"github.com/jobgen/jobgen/internal/format"
	"github.com/jobgen/jobgen/internal/report"
)

func fmtCommand(format *report.Format) *cobra.Command {
	var check, show bool
	cmd := &cobra.Command{
		Use:   "fmt [jobs.yaml]...",
		Short: "Format jobs.yaml",
		Long: `Fmt formats each jobs.yaml: two spaces a level, the keys of the file and of a
job in the order of the reference, an empty line between sections and between
jobs of several lines, comments at the end of lines in one column. Comments,
meaning and line ends (LF or CRLF) stay. It prints the names of the files that it
has changed.

With - it reads standard input and writes to standard output, for editors. It
formats a file with mistakes too, as long as the file is YAML.`,
		Example: `  # the nearest jobs.yaml
  jobgen fmt

  # in continuous integration
  jobgen fmt --check

  # what would change
  jobgen fmt -d`,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && args[0] == "-" {
				return formatStream(cmd, *format)
			}
			paths := args
			if len(args) == 0 {
				path, err := findFile(nil)
				if err != nil {
					return err
				}
				paths = []string{path}
			}
			var wrong []report.Problem
			for _, path := range paths {
				found, err := formatFile(cmd, path, check, show)
				if err != nil {
					return err
				}
				wrong = append(wrong, found...)
			}
			if len(wrong) > 0 {
				return fail(cmd, *format, wrong)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "write nothing, and exit with 1 if a file would change")
	cmd.Flags().BoolVarP(&show, "diff", "d", false, "write nothing, and print what would change")
	cmd.MarkFlagsMutuallyExclusive("check", "diff")
	return cmd
}

// formatFile formats one file, or says what would change. It returns what keeps
// it from that, and with check that it is not formatted.
func formatFile(cmd *cobra.Command, path string, check, show bool) ([]report.Problem, error) {
	if _, err := findFile([]string{path}); err != nil {
		return nil, err
	}
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	out, mistakes, err := format.Format(src)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	case len(mistakes) > 0:
		return report.Mistakes(path, mistakes), nil
	case files.Same(src, out):
		return nil, nil
	case check:
		return []report.Problem{{Path: path, Message: "it is not formatted: run jobgen fmt", Diff: files.Diff(filepath.ToSlash(path), src, out)}}, nil
	case show:
		_, err := io.WriteString(cmd.OutOrStdout(), files.Diff(filepath.ToSlash(path), src, out))
		return nil, err
	}
	if _, err := files.Write(path, out); err != nil {
		return nil, err
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), path)
	return nil, err
}

func formatStream(cmd *cobra.Command, as report.Format) error {
	src, err := io.ReadAll(cmd.InOrStdin())
	if err != nil {
		return fmt.Errorf("read standard input: %w", err)
	}
	out, mistakes, err := format.Format(src)
	switch {
	case err != nil:
		return fmt.Errorf("standard input: %w", err)
	case len(mistakes) > 0:
		return fail(cmd, as, report.Mistakes("standard input", mistakes))
	}
	_, err = cmd.OutOrStdout().Write(files.LineEndsOf(src, out))
	return err
}
