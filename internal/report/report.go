package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jobgen/jobgen/internal/breaking"
	"github.com/jobgen/jobgen/internal/diagnostic"
)

// A Format is a way to report problems.
type Format string

// The formats.
const (
	Text   Format = "text"   // a line each, on stderr
	JSON   Format = "json"   // an array, on stdout
	GitHub Format = "github" // workflow commands, on stdout
)

// Formats returns the names of all formats.
func Formats() []string { return []string{string(Text), string(JSON), string(GitHub)} }

// String returns the format's name.
func (f *Format) String() string { return string(*f) }

// Type says what the value of a flag is.
func (f *Format) Type() string { return "format" }

// Set takes the value of a flag.
func (f *Format) Set(s string) error {
	if !slices.Contains(Formats(), s) {
		return fmt.Errorf("use one of %s", strings.Join(Formats(), ", "))
	}
	*f = Format(s)
	return nil
}

// A Problem is one thing that is wrong.
type Problem struct {
	Path    string `json:"path"`
	Line    int    `json:"line,omitempty"`   // from 1; 0 where the whole file is meant
	Column  int    `json:"column,omitempty"` // from 1
	Message string `json:"message"`
	Rule    string `json:"rule,omitempty"`
	Diff    string `json:"diff,omitempty"`

	// Of what a change breaks.
	Level  string           `json:"level,omitempty"`
	Breaks []breaking.Party `json:"breaks,omitempty"`
	Was    string           `json:"was,omitempty"` // path:line:col of the base
	Do     string           `json:"do,omitempty"`
	Accept string           `json:"accept,omitempty"` // the entry of jobs.yaml that accepts it
	// Waiting is how many jobs it strands, where a database was asked.
	Waiting *int64 `json:"waiting,omitempty"`
}

// Position returns where in its file the problem is.
func (p Problem) Position() diagnostic.Position {
	return diagnostic.Position{Line: p.Line, Column: p.Column}
}

// Mistakes returns the mistakes in the file at path as problems.
func Mistakes(path string, mistakes diagnostic.List) []Problem {
	list := make([]Problem, len(mistakes))
	for i, m := range mistakes {
		list[i] = Problem{Path: path, Line: m.Line, Column: m.Column, Message: m.Message, Rule: m.Rule.Name}
	}
	return list
}

// Finding returns a finding about the file at path as a problem. base is what
// the file was compared with.
func Finding(path, base string, f breaking.Finding) Problem {
	p := Problem{
		Path: path, Line: f.At.Line, Column: f.At.Column, Message: f.Message,
		Rule: f.Rule.Name, Level: string(f.Level), Breaks: f.Breaks, Do: f.Do, Waiting: f.Waiting, Accept: f.Acceptance(),
	}
	if f.Was.Line > 0 {
		p.Was = fmt.Sprintf("%s:%s", base, f.Was)
	}
	return p
}

// details returns what is known of a problem beyond its message, a line each.
func (p Problem) details() string {
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
	if p.Accept != "" {
		fmt.Fprintf(&b, "\taccept: %s\n", p.Accept)
	}
	return b.String() + p.Diff
}

// Write writes problems in the format that is given, to stdout or stderr.
func Write(stdout, stderr io.Writer, format Format, problems []Problem) error {
	var err error
	switch format {
	case JSON:
		enc := json.NewEncoder(stdout)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		err = enc.Encode(problems)
	case GitHub:
		err = printAll(stdout, problems, Problem.github)
	default:
		err = printAll(stderr, problems, Problem.text)
	}
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

func printAll(w io.Writer, problems []Problem, format func(Problem) string) error {
	for _, p := range problems {
		if _, err := fmt.Fprint(w, format(p)); err != nil {
			return err
		}
	}
	return nil
}

// text returns path:line:col: message [rule], as compilers do.
func (p Problem) text() string {
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
func (p Problem) github() string {
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
