package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jobgen/jobgen/internal/breaking"
	"github.com/jobgen/jobgen/internal/report"
	"github.com/jobgen/jobgen/internal/revision"
	"github.com/jobgen/jobgen/internal/schema"
	"github.com/jobgen/jobgen/runtime/postgres"
)

func breakingCommand(format *report.Format) *cobra.Command {
	var o breakingOptions
	level := string(breaking.Wire)
	cmd := &cobra.Command{
		Use:   "breaking [jobs.yaml]",
		Short: "Report breaking changes",
		Long: `Breaking compares a jobs.yaml with what it was, and exits with 1 when the change
breaks something: jobs that wait, binaries that run, or SQL that enqueues. Each
finding has a rule, which docs/reference/breaking.md explains, and says what to do.
With --level SOURCE it also reports changes that only Go code notices, because it
no longer compiles or means something else.

To accept an intended change, add an entry under accept in jobs.yaml: each finding
ends with the entry to write. An entry accepts one change and needs a reason. An
entry that accepts nothing is reported.

The base is the file in the last commit, or what jobs.lock says if no commit has
the file; --against names another. Breaking says on standard error what it has
compared with, and exits with 2 if git fails, since nothing has been compared.

With --database, which may be repeated, it also counts the waiting jobs that the
change would strand, and reads the payload of each as the new program would. Jobs
of a type that neither jobs.yaml nor its lock has ever named belong to other
programs, and are only counted. It reads in one read-only transaction.`,
		Example: `  # in a pull request
  jobgen breaking --against git:origin/main --format github

  # Go code too
  jobgen breaking --level SOURCE

  # only what waits in the database
  jobgen breaking --level ROWS --database "$DATABASE_URL"

  # another file, or the jobs.yaml in another directory
  jobgen breaking --against ../released/jobs.yaml`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.level = breaking.Level(strings.ToUpper(level))
			if !slices.Contains(breaking.Levels(), o.level) {
				return &inputError{fmt.Errorf("--level %s: use one of %v", level, breaking.Levels())}
			}
			path, c, err := read(cmd, *format, args)
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("against") && o.against == "" {
				return &inputError{errors.New("--against is empty: name a file, a directory or a commit, as in git:origin/main")}
			}
			found, err := o.run(cmd, path, c)
			if err != nil {
				return err
			}
			if len(found) == 0 {
				if *format == report.JSON {
					_, err = fmt.Fprintln(cmd.OutOrStdout(), "[]")
				}
				return err
			}
			return fail(cmd, *format, found)
		},
	}
	cmd.Flags().StringVar(&o.against, "against", "", "what to compare with: git:REF, a file or a directory")
	cmd.Flags().StringVar(&level, "level", level, "the least that is reported: SOURCE, WIRE or ROWS")
	o.databaseFlags(cmd)
	return cmd
}

// databases are those that a command looks at.
type databases struct {
	urls   []string
	schema string
}

func (d *databases) databaseFlags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&d.urls, "database", nil, "the URL of a PostgreSQL database to look at; may be repeated")
	cmd.Flags().StringVar(&d.schema, "postgres-schema", "", "the schema that the tables are in (default jobgen)")
}

// survey calls look with each database as it is at one moment.
func (d *databases) survey(ctx context.Context, look func(*postgres.Survey) error) error {
	var opts []postgres.Option
	if d.schema != "" {
		opts = append(opts, postgres.WithSchema(d.schema))
	}
	if slices.Contains(d.urls, "") {
		return &inputError{errors.New("--database is empty: give the URL of a database")}
	}
	for _, url := range d.urls {
		s, err := postgres.OpenSurvey(ctx, url, opts...)
		if err != nil {
			return err
		}
		err = look(s)
		if closed := s.Close(ctx); err == nil {
			err = closed
		}
		if err != nil {
			return err
		}
	}
	return nil
}

type breakingOptions struct {
	databases
	against string
	level   breaking.Level
}

// run returns what the change of the file at path breaks.
func (o *breakingOptions) run(cmd *cobra.Command, path string, c checked) ([]report.Problem, error) {
	ctx := cmd.Context()
	base, err := revision.Find(ctx, path, o.against, c.locked)
	if err != nil {
		return nil, err
	}
	say(cmd, "compared %s with %s", path, base.Where)
	pair := breaking.Pair{Old: base.File, New: c.file, FromLock: base.FromLock}
	if c.locked != nil { // without it, nobody knows what is upgraded
		pair.Upgraded = base.Upgraded(c.file, c.advanced.Refused)
	}
	findings := pair.Findings()
	fromLock := len(findings) // those behind name places in the lock
	for _, refused := range c.advanced.Refused {
		if !slices.ContainsFunc(findings, func(f breaking.Finding) bool { return f.Rule == refused.Rule && f.At == refused.At }) {
			refused.Delta = breaking.Delta{} // generate refuses it, so no acceptance helps
			findings = append(findings, refused)
		}
	}
	names := make([]string, len(findings))
	for i := range findings {
		names[i] = base.Name
		if i >= fromLock {
			names[i] = c.lockPath
		}
	}
	if len(o.urls) > 0 {
		stored, err := o.readStored(ctx, c.file, base, cmd.ErrOrStderr())
		if err != nil {
			return nil, err
		}
		for _, job := range stored.Others() {
			say(cmd, "passed over %s of %q, which neither %s nor its lock has named", plural(job.Waiting, "waiting job", "waiting jobs"), job.Type, path)
		}
		stored.Count(findings, base.File)
		for _, f := range stored.Findings(findings) {
			findings, names = append(findings, f), append(names, "")
		}
	}
	return o.review(cmd, path, c.file, base.File, findings, names), nil
}

// review returns the findings that are not accepted, each of which names places
// in what names says, and tells of the others.
func (o *breakingOptions) review(cmd *cobra.Command, path string, file, base *schema.File, findings []breaking.Finding, names []string) []report.Problem {
	var list []report.Problem
	for i := range findings {
		open, accepted, _, _ := breaking.Accept(findings[i:i+1], base, file)
		for _, a := range accepted {
			say(cmd, "accepted: %s [%s]: %s", a.Message, a.Rule.Name, a.Reason)
		}
		for _, f := range open {
			if o.level.Includes(f.Level) {
				list = append(list, report.Finding(path, names[i], f))
			}
		}
	}
	_, _, spent, unused := breaking.Accept(findings, base, file)
	for _, a := range spent {
		say(cmd, "%s:%d: the acceptance has been merged, and holds for no later change: remove it", path, a.At.Line)
	}
	for _, a := range unused {
		list = append(list, report.Problem{
			Path: path, Line: a.At.Line, Column: a.At.Column, Rule: "unused-acceptance",
			Message: fmt.Sprintf("no change of %q against %s is what this accepts: write what jobgen breaking prints, or remove it", a.Of.Value, a.Rule.Value),
		})
	}
	slices.SortStableFunc(list, func(a, b report.Problem) int { return a.Position().Compare(b.Position()) })
	return list
}

// readStored reads every job of the databases.
func (o *breakingOptions) readStored(ctx context.Context, file *schema.File, base *revision.Base, progress io.Writer) (*breaking.Stored, error) {
	stored := breaking.NewStored(file, base.Jobs())
	err := o.survey(ctx, func(s *postgres.Survey) error {
		counts, err := s.Counts(ctx)
		if err != nil {
			return err
		}
		var all int64
		for _, c := range counts {
			all += c.Unfinished
		}
		bar := report.NewProgress(progress, "reading jobs", all)
		defer bar.Clear()
		return s.Each(ctx, func(job postgres.SurveyedJob) error {
			stored.Add(string(job.Type), job.Version, job.Queue, job.ID.String(), job.Payload)
			bar.Add()
			return nil
		})
	})
	return stored, err
}
