package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/jobgen/jobgen/internal/emit"
	"github.com/jobgen/jobgen/internal/stamp"
)

func generateCommand(format *reportFormat) *cobra.Command {
	watch := false
	cmd := &cobra.Command{
		Use:   "generate [jobs.yaml]",
		Short: "Write the Go code of a jobs.yaml",
		Long: `Generate writes the Go code of a jobs.yaml into the package that the file names.

Files that are right already are left alone; files that jobgen generated for
jobs that are gone are removed. A file without jobgen's header is neither
overwritten nor removed. When jobs.yaml has mistakes, nothing is written.

That nothing has changed since the last run is seen from a sum in your cache
folder, without making the code again. jobgen check trusts no sum.

With --watch it goes on until it is interrupted, and writes again whenever
jobs.yaml changes. Mistakes are printed, and the next change is waited for.`,
		Example: `  # the nearest jobs.yaml, here or in a directory above
  jobgen generate

  # in any Go file of the module, for go generate ./...
  //go:generate go tool jobgen generate

  # while you edit jobs.yaml
  jobgen generate --watch`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := findFile(args)
			if err != nil {
				return err
			}
			if !watch {
				return generate(cmd, *format, path, stamp.UserStore())
			}
			ticker := time.NewTicker(watchInterval)
			defer ticker.Stop()
			return watchFile(cmd, *format, path, stamp.UserStore(), ticker.C)
		},
	}
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "write again whenever jobs.yaml changes, until interrupted")
	return cmd
}

// generate brings the code of the file at path up to date, and looks at stamps
// before it does any work.
func generate(cmd *cobra.Command, format reportFormat, path string, stamps stamp.Store) error {
	if stamps.Current(path) {
		return nil
	}
	code, err := load(cmd, format, []string{path})
	if err != nil {
		return err
	}
	changed, err := emit.Write(code.dir, code.files)
	if err != nil {
		return err
	}
	if format == formatText && len(changed) > 0 {
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", shorten(code.dir), count(len(changed)))
	}
	if !code.elsewhere {
		// A folder that cannot be written costs the next run some time, and is
		// nothing to fail for.
		_ = stamps.Mark(path, code.dir)
	}
	return nil
}

func checkCommand(format *reportFormat) *cobra.Command {
	return &cobra.Command{
		Use:   "check [jobs.yaml]",
		Short: "Say whether the generated code is current",
		Long: `Check exits with 0 when the generated code is what jobs.yaml says, and with 1
and a short diff when jobgen generate would change it. It writes nothing.`,
		Example: `  # in continuous integration
  jobgen check

  # as annotations of a pull request on GitHub
  jobgen check --format github`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			code, err := load(cmd, *format, args)
			if err != nil {
				return err
			}
			diff, err := emit.Diff(code.dir, code.files)
			if err != nil || diff == "" {
				return err
			}
			stale := problem{
				Path:    code.source,
				Message: fmt.Sprintf("the code in %s is stale: run jobgen generate", shorten(code.dir)),
				Diff:    diff,
			}
			return report(cmd, *format, []problem{stale})
		},
	}
}

// generated is what a jobs.yaml makes, not written yet.
type generated struct {
	source string // the path of the jobs.yaml
	dir    string // where files go
	files  []emit.File

	elsewhere bool // the code depends on Go packages elsewhere
}

// load reads the file that args name and generates its code. Mistakes in the
// file are reported, and errReported returned.
func load(cmd *cobra.Command, format reportFormat, args []string) (*generated, error) {
	path, c, err := read(cmd, format, args)
	if err != nil {
		return nil, err
	}
	files, err := emit.Files(c.pkg)
	if err != nil {
		return nil, err
	}
	return &generated{source: path, dir: c.dir, files: files, elsewhere: c.file.NamesGoTypes()}, nil
}

func count(changed int) string {
	if changed == 1 {
		return "1 file changed"
	}
	return fmt.Sprintf("%d files changed", changed)
}

// shorten returns path as seen from the working directory where that is
// shorter.
func shorten(path string) string {
	wd, err := filepath.Abs(".")
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(wd, path); err == nil && len(rel) < len(path) {
		return rel
	}
	return path
}
