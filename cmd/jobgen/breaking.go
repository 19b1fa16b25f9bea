package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jobgen/jobgen/internal/breaking"
	"github.com/jobgen/jobgen/internal/schema"
	"github.com/jobgen/jobgen/runtime/postgres"
)

func breakingCommand(format *reportFormat) *cobra.Command {
	var o breakingOptions
	level := string(breaking.Source)
	cmd := &cobra.Command{
		Use:   "breaking [jobs.yaml]",
		Short: "Say whom a change of a jobs.yaml breaks",
		Long: `Breaking compares a jobs.yaml with what it was, and exits with 1 when the change
breaks something: jobs that wait, binaries that run, Go or SQL that enqueues. Each
finding has a rule, which docs/breaking.md explains, and says what to do.

What it was is, unless --against says otherwise, the file in the last commit
where it is in a git repository, and else what jobs.lock knows.

With a database, whose URL may be given more than once, it also counts the jobs
that wait and that the change would strand, and reads the payload of each as the
new program would. It changes nothing there: it is one read-only transaction.`,
		Example: `  # in a pull request
  jobgen breaking --against git:origin/main --format github

  # only what waits in the database
  jobgen breaking --level ROWS --database "$DATABASE_URL"

  # another file, or the jobs.yaml in another directory
  jobgen breaking --against ../released/jobs.yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.level = breaking.Level(strings.ToUpper(level))
			if !slices.Contains(breaking.Levels(), o.level) {
				return &inputError{fmt.Errorf("--level %s: use one of %v", level, breaking.Levels())}
			}
			path, c, err := read(cmd, *format, args)
			if err != nil {
				return err
			}
			found, err := o.run(cmd.Context(), path, c, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if len(found) == 0 {
				if *format == formatJSON {
					_, err = fmt.Fprintln(cmd.OutOrStdout(), "[]")
				}
				return err
			}
			return report(cmd, *format, found)
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
	cmd.Flags().StringVar(&d.schema, "schema", "", "the schema that the tables are in (default jobgen)")
}

// survey calls look with each database as it is at one moment.
func (d *databases) survey(ctx context.Context, look func(*postgres.Survey) error) error {
	var opts []postgres.Option
	if d.schema != "" {
		opts = append(opts, postgres.WithSchema(d.schema))
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
func (o *breakingOptions) run(ctx context.Context, path string, c checked, progress io.Writer) ([]problem, error) {
	was, err := findFormer(ctx, path, c, o.against)
	if err != nil {
		return nil, err
	}
	findings := breaking.Pair{Old: was.file, New: c.file, Upgraded: was.upgraded(c), FromLock: was.fromLock}.Findings()
	fromLock := len(findings) // those behind name places in the lock
	for _, refused := range c.advanced.Refused {
		if !slices.ContainsFunc(findings, func(f breaking.Finding) bool { return f.Rule == refused.Rule && f.At == refused.At }) {
			findings = append(findings, refused)
		}
	}
	names := make([]string, len(findings))
	for i := range findings {
		names[i] = was.name
		if i >= fromLock {
			names[i] = c.lockPath
		}
	}
	if len(o.urls) > 0 {
		stored, err := o.readStored(ctx, c.file, progress)
		if err != nil {
			return nil, err
		}
		stored.Count(findings, was.file)
		for _, f := range stored.Findings(findings) {
			findings, names = append(findings, f), append(names, "")
		}
	}
	var list []problem
	for i, f := range findings {
		if o.level.Includes(f.Level) {
			list = append(list, finding(path, names[i], f))
		}
	}
	slices.SortStableFunc(list, func(a, b problem) int { return a.position().Compare(b.position()) })
	return list, nil
}

// readStored reads every job of the databases.
func (o *breakingOptions) readStored(ctx context.Context, file *schema.File, progress io.Writer) (*breaking.Stored, error) {
	stored := breaking.NewStored(file)
	err := o.survey(ctx, func(s *postgres.Survey) error {
		counts, err := s.Counts(ctx)
		if err != nil {
			return err
		}
		var all int64
		for _, c := range counts {
			all += c.Unfinished
		}
		bar := newProgress(progress, "reading jobs", all)
		defer bar.clear()
		return s.Each(ctx, func(job postgres.SurveyedJob) error {
			stored.Add(string(job.Type), job.Version, job.Queue, job.ID.String(), job.Payload)
			bar.add()
			return nil
		})
	})
	return stored, err
}

// A progress shows on a terminal how far something is.
type progress struct {
	out       io.Writer // nil where nobody looks
	what      string
	done, all int64
}

const progressEvery = 1000

func newProgress(out io.Writer, what string, all int64) *progress {
	p := &progress{what: what, all: all}
	if f, ok := out.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			p.out = out
		}
	}
	return p
}

func (p *progress) add() {
	p.done++
	if p.out == nil || p.done%progressEvery != 0 {
		return
	}
	const width = 30
	full := int(width * p.done / max(p.all, p.done))
	fmt.Fprintf(p.out, "\r%s [%s%s] %d of %d", p.what, strings.Repeat("#", full), strings.Repeat(" ", width-full), p.done, max(p.all, p.done))
}

func (p *progress) clear() {
	if p.out != nil && p.done >= progressEvery {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
