package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/report"
	"github.com/jobgen/jobgen/internal/schema"
)

func explainCommand(format *report.Format) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain [jobs.yaml] [job]...",
		Short: "Show the options and payload of each job, and the line that sets each",
		Long: `Explain prints the options and the payload of the jobs that are named, or of
all jobs. Beside each value stands the line of jobs.yaml that sets it: the job's
own, its queue's ("queue") or that of the defaults ("defaults"); or "built in" if
no line does. The version of a payload may come from jobs.lock. If the file has
mistakes, explain reports them as jobgen check does.`,
		Example: `  # every job
  jobgen explain

  # one job, for a program
  jobgen explain email --format json`,
		ValidArgsFunction: completeJobs,
		RunE: func(cmd *cobra.Command, args []string) error {
			files, names := fileFirst(args)
			file, c, err := read(cmd, *format, files)
			if err != nil {
				return err
			}
			jobs, err := choose(c.file, names)
			if err != nil {
				return err
			}
			locked := c.file.Lock
			if c.locked == nil { // there is no file that a line could name
				locked = nil
			}
			explained := make([]explanation, len(jobs))
			for i, job := range jobs {
				explained[i] = explain(file, job, locked, c.lockPath)
			}
			if *format == report.JSON {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetEscapeHTML(false)
				enc.SetIndent("", "  ")
				return enc.Encode(explained)
			}
			return printExplanations(cmd.OutOrStdout(), explained)
		},
	}
	return cmd
}

// choose returns the jobs of the file that are named, or all.
func choose(file *schema.File, names []string) ([]*schema.Job, error) {
	if len(names) == 0 {
		return file.Jobs, nil
	}
	byName, all := make(map[string]*schema.Job), make([]string, 0, len(file.Jobs))
	for _, job := range file.Jobs {
		byName[job.Type.Value] = job
		all = append(all, job.Type.Value)
	}
	jobs := make([]*schema.Job, len(names))
	for i, name := range names {
		jobs[i] = byName[name]
		if jobs[i] == nil {
			hint := (&diagnostic.Suggester{}).Suggest(name, all)
			return nil, &inputError{fmt.Errorf("%s declares no job %q%s", file.Name, name, hint)}
		}
	}
	return jobs, nil
}

// An explanation is what explain says of a job.
type explanation struct {
	Job     string        `json:"job"`
	From    string        `json:"from"`
	Doc     string        `json:"doc,omitempty"`
	Options []explained   `json:"options"`
	Payload []explainedOf `json:"payload"`
}

type explained struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	From  string `json:"from"`
}

type explainedOf struct {
	Field string `json:"field"`
	Type  string `json:"type"`
	From  string `json:"from"`
}

func explain(path string, job *schema.Job, locked *schema.Lock, lockPath string) explanation {
	line := func(at diagnostic.Position) string { return fmt.Sprintf("%s:%d", path, at.Line) }
	e := explanation{Job: job.Type.Value, From: line(job.Type.At), Doc: job.Doc, Payload: []explainedOf{}}
	add := func(name, value string, at diagnostic.Position, inherited, ofQueue bool) {
		from := "built in"
		switch {
		case ofQueue:
			from = line(at) + ", queue"
		case at.Line > 0 && inherited:
			from = line(at) + ", defaults"
		case at.Line > 0:
			from = line(at)
		}
		e.Options = append(e.Options, explained{name, value, from})
	}
	add("queue", job.Queue.Value, job.Queue.At, job.Queue.Inherited, job.Queue.OfQueue)
	for _, o := range job.Options {
		add(o.Type.Name, o.String(), o.At, o.Inherited, o.OfQueue)
	}
	e.version(locked, job, lockPath, line)
	for _, f := range job.Payload {
		what := f.Type.String()
		if f.Default != nil {
			what += ", default " + f.Default.Text
		}
		if f.Stored() != f.Key.Value {
			what += ", stored as " + f.Stored()
		}
		e.Payload = append(e.Payload, explainedOf{f.Key.Value, what, line(f.Key.At)})
	}
	return e
}

// version adds the version of the payload: the greater of the file's and that
// of the lock, which may be a previous one that has not been generated anew.
func (e *explanation) version(locked *schema.Lock, job *schema.Job, lockPath string, line func(diagnostic.Position) string) {
	v, from := int16(1), "built in"
	if l := locked.Job(job.Type.Value); l != nil {
		v, from = l.Newest().Version, lockPath
	}
	if job.Version.IsSet() && job.Version.Value >= v {
		v, from = job.Version.Value, line(job.Version.At)
	}
	e.Options = append(e.Options, explained{"version", fmt.Sprint(v), from})
}

func printExplanations(w io.Writer, all []explanation) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, e := range all {
		if i > 0 {
			fmt.Fprintln(table)
		}
		fmt.Fprintf(table, "%s (%s)\n", e.Job, e.From)
		for line := range strings.Lines(e.Doc) {
			fmt.Fprintf(table, "  # %s\n", strings.TrimSuffix(line, "\n"))
		}
		for _, o := range e.Options {
			fmt.Fprintf(table, "  %s\t%s\t%s\n", o.Name, o.Value, o.From)
		}
		for _, f := range e.Payload {
			fmt.Fprintf(table, "  payload.%s\t%s\t%s\n", f.Field, f.Type, f.From)
		}
	}
	return table.Flush()
}
