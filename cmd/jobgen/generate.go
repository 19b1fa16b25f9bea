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
		Short: "Generate Go code from jobs.yaml",
		Long: `Generate writes Go code into the package that jobs.yaml names. When jobs.yaml has
mistakes, it writes nothing.

It leaves files alone that are up to date, even if git has converted their line
ends, and removes files that were generated for jobs that no longer exist. The
header of each file names its jobs.yaml. Generate refuses a package with the code
of another jobs.yaml, and never overwrites or removes a file without its header.

Beside jobs.yaml it writes jobs.lock, which lists every payload version that a
waiting job may have. It refuses a change after which the new binary could not
read these, and says what to do; see docs/guides/change-jobs.md.

If a comment at the top of jobs.yaml names a schema for editors beside it, as in
# yaml-language-server: $schema=jobs.schema.json, generate writes that file too.

A checksum in your cache folder tells generate that nothing has changed since the
last run. jobgen check does not use it.

With --watch it generates again whenever jobs.yaml changes, and prints mistakes,
until it is interrupted.`,
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
	schemaPath, schemaStale, err := schemaChange(path, code.src)
	if err != nil {
		return err
	}
	if schemaStale != nil {
		if err := writeSchema(path, *schemaStale); err != nil {
			return err
		}
	}
	if !code.file.NamesGoTypes() {
		// A folder that cannot be written costs the next run some time, and is
		// nothing to fail for.
		_ = kept.Keep(path, code.dir, schemaPath)
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
	if schemaStale != nil {
		fmt.Fprintf(out, "%s: changed\n", shorten(schemaPath))
	}
	code.tell(out)
	for _, name := range changed {
		if emit.OfPreviousVersion(name) && !slices.ContainsFunc(code.files, func(f emit.File) bool { return f.Name == name }) {
			fmt.Fprintf(out, "\n%s is removed, since no job has its version: remove the upgrade from it, which is no longer needed\n", name)
		}
	}
	return nil
}

func checkCommand(format *report.Format) *cobra.Command {
	return &cobra.Command{
		Use:   "check [jobs.yaml]",
		Short: "Check that the generated code is up to date",
		Long: `Check exits with 0 when the generated code, jobs.lock and the schema for editors
are up to date with jobs.yaml. When jobgen generate would change them, it prints a
short diff and exits with 1. It writes nothing, and says on standard error what it
has compared.`,
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
			schemaPath, schemaStale, err := schemaChange(code.source, code.src)
			if err != nil {
				return err
			}
			if schemaStale != nil {
				stale = append(stale, report.Problem{Path: schemaPath, Message: "the schema for editors is stale: run jobgen generate"})
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
			fmt.Fprintf(out, "\n%s: waiting jobs with payload version %d are upgraded to %d. The type that you pass to HandleAll, or to the\n"+
				"function of the queue or the job, needs this method, and does not compile without it:\n\n%s", step.Job, step.From, step.To, begun)
		}
	}
	for _, step := range g.advanced.Removed {
		fmt.Fprintf(out, "\n%s: removed; it stays in %s, since jobs of it may wait, until jobgen prune drops it\n", step.Job, shorten(g.lockPath))
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
