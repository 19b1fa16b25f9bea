package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jobgen/jobgen/internal/breaking"
	"github.com/jobgen/jobgen/internal/diagnostic"
)

// A reportFormat is a way to report mistakes.
type reportFormat string

const (
	formatText   reportFormat = "text"   // a line each, on stderr
	formatJSON   reportFormat = "json"   // an array, on stdout
	formatGitHub reportFormat = "github" // workflow commands, on stdout
)

var formats = []string{string(formatText), string(formatJSON), string(formatGitHub)}

func (f *reportFormat) String() string { return string(*f) }
func (f *reportFormat) Type() string   { return "format" }

// Set takes the value of the --format flag.
func (f *reportFormat) Set(s string) error {
	if !slices.Contains(formats, s) {
		return fmt.Errorf("use one of %s", strings.Join(formats, ", "))
	}
	*f = reportFormat(s)
	return nil
}

// A problem is one thing that is wrong.
type problem struct {
	Path    string `json:"path"`
	Line    int    `json:"line,omitempty"`   // from 1; 0 where the whole file is meant
	Column  int    `json:"column,omitempty"` // from 1
	Message string `json:"message"`
	Rule    string `json:"rule,omitempty"`
	Diff    string `json:"diff,omitempty"`

	// Of what a change breaks.
	Level  string           `json:"level,omitempty"`
	Breaks []breaking.Party `json:"breaks,omitempty"`
	Was    string           `json:"was,omitempty"` // path:line:col of the old file
	Do     string           `json:"do,omitempty"`
	// Waiting is how many jobs it strands, where a database was asked.
	Waiting *int64 `json:"waiting,omitempty"`
}

func (p problem) position() diagnostic.Position {
	return diagnostic.Position{Line: p.Line, Column: p.Column}
}

// details returns what is known of a problem beyond its message, a line each.
func (p problem) details() string {
	var b strings.Builder
	if len(p.Breaks) > 0 {
		names := make([]string, len(p.Breaks))
		for i, party := range p.Breaks {
			names[i] = string(party)
		}
		fmt.Fprintf(&b, "\tbreaks: %s\n", strings.Join(names, ", "))
	}
	if p.Waiting != nil {
		fmt.Fprintf(&b, "\twaiting: %d\n", *p.Waiting)
	}
	if p.Was != "" {
		fmt.Fprintf(&b, "\twas: %s\n", p.Was)
	}
	if p.Do != "" {
		fmt.Fprintf(&b, "\tdo: %s\n", p.Do)
	}
	return b.String() + p.Diff
}

// report prints problems and returns errReported, or why it could not.
func report(cmd *cobra.Command, format reportFormat, problems []problem) error {
	var err error
	switch format {
	case formatJSON:
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		err = enc.Encode(problems)
	case formatGitHub:
		err = printAll(cmd.OutOrStdout(), problems, problem.github)
	default:
		err = printAll(cmd.ErrOrStderr(), problems, problem.text)
	}
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return errReported
}

func printAll(w io.Writer, problems []problem, format func(problem) string) error {
	for _, p := range problems {
		if _, err := fmt.Fprint(w, format(p)); err != nil {
			return err
		}
	}
	return nil
}

// text returns path:line:col: message [rule], as compilers do.
func (p problem) text() string {
	var b strings.Builder
	b.WriteString(p.Path)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": " + p.Message)
	if p.Rule != "" {
		b.WriteString(" [" + strings.TrimSpace(p.Rule+" "+p.Level) + "]")
	}
	b.WriteString("\n" + p.details())
	return b.String()
}

// github returns a workflow command, which GitHub shows beside the line.
func (p problem) github() string {
	escape := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	escapeProperty := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	var b strings.Builder
	b.WriteString("::error file=" + escapeProperty.Replace(p.Path))
	if p.Line > 0 {
		fmt.Fprintf(&b, ",line=%d,col=%d", p.Line, p.Column)
	}
	if p.Rule != "" {
		b.WriteString(",title=" + escapeProperty.Replace(p.Rule))
	}
	message := p.Message
	if details := p.details(); details != "" {
		message += "\n" + strings.TrimSuffix(details, "\n")
	}
	b.WriteString("::" + escape.Replace(message) + "\n")
	return b.String()
}
