package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/jobgen/jobgen/internal/cache"
	"github.com/jobgen/jobgen/internal/emit"
	"github.com/jobgen/jobgen/internal/files"
	"github.com/jobgen/jobgen/internal/lock"
	"github.com/jobgen/jobgen/internal/report"
)

func generateCommand(format *report.Format) *cobra.Command {
	watch := false
	cmd := &cobra.Command{
		Use:   "generate [jobs.yaml]",
		Short: "Write the Go code of a jobs.yaml",
		Long: `Generate writes the Go code of a jobs.yaml into the package that the file names.

Files that are right already are left alone, also where git has converted their
line ends; files that were generated from this jobs.yaml for jobs that are gone
are removed. The header of each file names its jobs.yaml: a package that holds
the code of another one is refused, and a file without jobgen's header is
neither overwritten nor removed. When jobs.yaml has mistakes, nothing is written.

Beside jobs.yaml it writes jobs.lock, which lists every version of every payload
that a waiting job may have. A change that leaves the new binary unable to read
these is refused, and the message says what to do; see docs/reference/breaking.md.

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
				return generate(cmd, *format, path, cache.OfUser())
			}
			ticker := time.NewTicker(watchInterval)
			defer ticker.Stop()
			return watchFile(cmd, *format, path, cache.OfUser(), ticker.C)
		},
	}
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "write again whenever jobs.yaml changes, until interrupted")
	return cmd
}

// generate brings the code of the file at path up to date, and does nothing
// where the cache says that it is.
func generate(cmd *cobra.Command, format report.Format, path string, kept cache.Cache) error {
	if kept.Current(path) {
		return nil
	}
	code, err := load(cmd, format, []string{path})
	if err != nil {
		return err
	}
	changed, err := emit.Write(code.dir, code.files)
	if err != nil {
		return code.reportOther(cmd, format, err)
	}
	locked, err := files.Write(code.lockPath, code.lock)
	if err != nil {
		return err
	}
	if !code.file.NamesGoTypes() {
		// A folder that cannot be written costs the next run some time, and is
		// nothing to fail for.
		_ = kept.Keep(path, code.dir)
	}
	if format != report.Text {
		return nil
	}
	out := cmd.OutOrStdout()
	if len(changed) > 0 {
		fmt.Fprintf(out, "%s: %s\n", shorten(code.dir), count(len(changed)))
	}
	if locked {
		fmt.Fprintf(out, "%s: changed\n", shorten(code.lockPath))
	}
	code.tell(out)
	for _, name := range changed {
		if emit.OfPreviousVersion(name) && !slices.ContainsFunc(code.files, func(f emit.File) bool { return f.Name == name }) {
			fmt.Fprintf(out, "\n%s is gone with its version: remove the upgrade from it, which is needed no longer\n", name)
		}
	}
	return nil
}

func checkCommand(format *report.Format) *cobra.Command {
	return &cobra.Command{
		Use:   "check [jobs.yaml]",
		Short: "Say whether the generated code is current",
		Long: `Check exits with 0 when the generated code is what jobs.yaml says, and with 1
and a short diff when jobgen generate would change it, or jobs.lock. It writes
nothing, and says on standard error what it has compared.`,
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
			say(cmd, "compared %s and %s with %s", shorten(code.dir), shorten(code.lockPath), code.source)
			diff, err := emit.Diff(code.dir, code.files)
			if err != nil {
				return code.reportOther(cmd, *format, err)
			}
			var stale []report.Problem
			if diff != "" {
				stale = append(stale, report.Problem{
					Path:    code.source,
					Message: fmt.Sprintf("the code in %s is stale: run jobgen generate", shorten(code.dir)),
					Diff:    diff,
				})
			}
			if !files.Same(code.checked.locked, code.lock) {
				stale = append(stale, report.Problem{
					Path:    code.lockPath,
					Message: "the lock is stale: run jobgen generate, and commit both",
					Diff:    files.Diff(filepath.Base(code.lockPath), code.checked.locked, code.lock),
				})
			}
			if len(stale) == 0 {
				return nil
			}
			return fail(cmd, *format, stale)
		},
	}
}

// generated is what a jobs.yaml makes, not written yet.
type generated struct {
	checked
	source string // the path of the jobs.yaml
	files  []emit.File
	lock   []byte
}

// load reads the file that args name and generates its code. Mistakes in the
// file are reported, and errReported returned.
func load(cmd *cobra.Command, format report.Format, args []string) (*generated, error) {
	path, c, err := read(cmd, format, args)
	if err != nil {
		return nil, err
	}
	if c.locked == nil {
		versioned, err := emit.Versioned(c.dir, c.pkg.Source)
		if err != nil {
			return nil, err
		}
		if versioned != "" {
			return nil, fail(cmd, format, []report.Problem{{Path: c.lockPath, Message: fmt.Sprintf(
				"the lock is missing, and %s has a payload of a later version than the first: take the lock from version control",
				filepath.Join(shorten(c.dir), versioned))}})
		}
	}
	if refused := c.refused(); len(refused) > 0 {
		return nil, fail(cmd, format, refused)
	}
	files, err := emit.Files(c.pkg)
	if err != nil {
		return nil, err
	}
	return &generated{checked: c, source: path, files: files, lock: lock.Format(c.advanced.Lock)}, nil
}

// reportOther reports that the package holds the code of another jobs.yaml, or
// returns err where that is something else.
func (g *generated) reportOther(cmd *cobra.Command, format report.Format, err error) error {
	var other *emit.OtherSourceError
	if !errors.As(err, &other) {
		return err
	}
	at := g.file.Package.At
	return fail(cmd, format, []report.Problem{{Path: g.source, Line: at.Line, Column: at.Column, Message: fmt.Sprintf("package in %s: %v", shorten(g.dir), other)}})
}

// tell says what versions have become of payloads.
func (g *generated) tell(out io.Writer) {
	for _, step := range g.advanced.Raised {
		fmt.Fprintf(out, "\n%s: new jobs have payload version %d, which running binaries leave alone and new ones read beside %d:\n", step.Job, step.To, step.From)
		for _, why := range step.Why {
			fmt.Fprintf(out, "\t%s [%s]\n", why.Message, why.Rule.Name)
		}
	}
	for _, step := range g.advanced.Said {
		if begun := emit.Upgrade(g.pkg, step.Job, step.From); begun != "" {
			fmt.Fprintf(out, "\n%s: jobs that wait with payload version %d are upgraded to %d. What you pass to HandleAll, or to the function\n"+
				"of the queue or the job, needs this method, and does not compile without it:\n\n%s", step.Job, step.From, step.To, begun)
		}
	}
	for _, step := range g.advanced.Removed {
		fmt.Fprintf(out, "\n%s: is removed, and stays in %s, since jobs of it may wait; jobgen prune drops it when none does\n", step.Job, shorten(g.lockPath))
	}
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
