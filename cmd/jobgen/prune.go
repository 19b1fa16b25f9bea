package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jobgen/jobgen/internal/files"
	"github.com/jobgen/jobgen/internal/lock"
	"github.com/jobgen/jobgen/internal/report"
	"github.com/jobgen/jobgen/internal/revision"
	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/postgres"
)

func pruneCommand(format *report.Format) *cobra.Command {
	var d databases
	despite := false
	cmd := &cobra.Command{
		Use:   "prune [jobs.yaml] --database URL",
		Short: "Remove payload versions that no job has",
		Long: `Prune removes from jobs.lock previous payload versions, and jobs that jobs.yaml
no longer declares, if no job of them waits or is claimed in any of the
databases. It reads the databases and changes nothing there. Name every database
that has such jobs.

Run it when no running binary enqueues a previous version any more. A process that
started before the lock last changed was built from an older one. If such processes
run and something would be removed, prune lists them and removes nothing, unless
--despite-older-processes says that none of them enqueues it. Then run jobgen
generate, which removes the structs.`,
		Example:           `  jobgen prune --database "$DATABASE_URL" && jobgen generate`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(d.urls) == 0 {
				return &inputError{errors.New("prune needs a database: name it, as in --database postgres://…")}
			}
			path, err := findFile(args)
			if err != nil {
				return err
			}
			path = lock.Path(path)
			src, err := os.ReadFile(path)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return &inputError{fmt.Errorf("there is no %s: jobgen generate writes it", path)}
			case err != nil:
				return err
			}
			old, mistakes := lock.Parse(path, src)
			if old == nil {
				return fail(cmd, *format, report.Mistakes(path, mistakes))
			}
			type count struct{ waiting, dead int64 }
			counts := make(map[driver.TypeVersion]count)
			ctx := cmd.Context()
			changed, err := revision.Changed(ctx, path)
			if err != nil {
				return err
			}
			var older []postgres.SurveyedProcess
			err = d.survey(ctx, func(s *postgres.Survey) error {
				processes, err := s.Processes(ctx)
				if err != nil {
					return err
				}
				for _, p := range processes {
					if p.Since.Before(changed) {
						older = append(older, p)
					}
				}
				rows, err := s.Counts(ctx)
				for _, row := range rows {
					c := counts[row.TypeVersion]
					counts[row.TypeVersion] = count{c.waiting + row.Unfinished, c.dead + row.Dead}
				}
				return err
			})
			if err != nil {
				return err
			}
			pruned, all := lock.Prune(old, func(job string, version int16) (int64, int64) {
				c := counts[driver.TypeVersion{Type: job, Version: version}]
				return c.waiting, c.dead
			})
			drops := slices.ContainsFunc(all, func(p lock.Pruned) bool { return p.Dropped })
			if drops && len(older) > 0 && !despite {
				return olderProcesses(path, changed, older)
			}
			written, err := files.Write(path, lock.Format(pruned))
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			for _, p := range all {
				if err := tellPruned(out, p); err != nil {
					return err
				}
			}
			if written {
				_, err = fmt.Fprintf(out, "%s: changed; run jobgen generate\n", shorten(path))
			}
			return err
		},
	}
	d.databaseFlags(cmd)
	cmd.Flags().BoolVar(&despite, "despite-older-processes", false, "drop also while processes live that are older than the lock")
	return cmd
}

// olderProcesses is the error that processes live which may enqueue what would
// be dropped.
func olderProcesses(path string, changed time.Time, older []postgres.SurveyedProcess) error {
	const most = 10
	var b strings.Builder
	for i, p := range older {
		if i == most {
			fmt.Fprintf(&b, "\n\tand %d more", len(older)-most)
			break
		}
		fmt.Fprintf(&b, "\n\tnode %d, since %s", p.Node, p.Since.UTC().Format(time.RFC3339))
	}
	return &inputError{fmt.Errorf("%s older than this lock: %s changed at %s. Nothing is dropped, since they may enqueue what no program would read: "+
		"replace them first, or say --despite-older-processes where none of them enqueues a previous version:%s",
		plural(int64(len(older)), "process is", "processes are"), filepath.Base(path), changed.UTC().Format(time.RFC3339), &b)}
}

func tellPruned(out io.Writer, p lock.Pruned) error {
	what := fmt.Sprintf("%s: version %d", p.Job, p.Version)
	if p.Removed {
		what += ", of a job that was removed,"
	}
	switch {
	case p.Dropped:
		what += " is dropped"
	case p.Waiting > 0:
		what += fmt.Sprintf(" is kept: %s", plural(p.Waiting, "job waits", "jobs wait"))
	default:
		what += " is kept: no job waits, but earlier ones are upgraded through it"
	}
	if p.Dead > 0 {
		what += fmt.Sprintf("; %s of it, to be revived only by a program that knows it", plural(p.Dead, "dead job", "dead jobs"))
	}
	_, err := fmt.Fprintln(out, what)
	return err
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
