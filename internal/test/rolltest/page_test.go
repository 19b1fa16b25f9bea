package rolltest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/diff"

	"github.com/jobgen/jobgen/internal/breaking"
	"github.com/jobgen/jobgen/internal/schema"
)

var update = flag.Bool("update", false, "write the tables of docs/reference/breaking.md anew")

func parse(t *testing.T, src string) *schema.File {
	t.Helper()
	file, mistakes := schema.Parse("jobs.yaml", []byte(src))
	if len(mistakes) > 0 {
		t.Fatalf("%v\n%s", mistakes, src)
	}
	return file
}

// findings are what jobgen breaking says of change i before it has a version.
func findings(t *testing.T, i int) []breaking.Finding {
	t.Helper()
	const pkg = module + "/jobs"
	return breaking.Pair{Old: parse(t, changes[i].old.yaml(i, pkg, 1)), New: parse(t, changes[i].new.yaml(i, pkg, 1))}.Findings()
}

// short is what a side's jobs.yaml says, on one line.
func (s side) short() string {
	var parts []string
	for line := range strings.Lines(s.types) {
		parts = append(parts, strings.TrimSpace(line))
	}
	if s.options != "" {
		parts = append(parts, s.options)
	}
	return "`" + strings.Join(append(parts, s.fields), "; ") + "`"
}

var outcomes = map[class]string{
	same:   "do them",
	raised: "leave them alone",
	byHand: "leave them alone",
}

// changeTable is the table of the changes that are deployed.
func changeTable(t *testing.T) string {
	var b strings.Builder
	b.WriteString("| change | from | to | payload version | old binaries and new jobs | rules |\n| --- | --- | --- | --- | --- | --- |\n")
	for i, c := range changes {
		var rules []string
		for _, f := range findings(t, i) {
			if !slices.Contains(rules, f.Rule.Name) {
				rules = append(rules, f.Rule.Name)
			}
		}
		slices.Sort(rules)
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", c.name, c.old.short(), c.new.short(), c.class, outcomes[c.class], strings.Join(rules, ", "))
	}
	return b.String()
}

// ruleList is the list of all rules with an example each.
func ruleList(t *testing.T) string {
	var b strings.Builder
	b.WriteString("| rule | level |\n| --- | --- |\n")
	for _, r := range breaking.Rules() {
		fmt.Fprintf(&b, "| [%s](#%[1]s) | %s |\n", r.Name, r.Level)
	}
	for _, r := range breaking.Rules() {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\nLevel %s. What to do: %s.\n", r.Name, r.Meaning, r.Level, r.Do)
		if r.Old == "" {
			continue
		}
		_, hunk, _ := strings.Cut(string(diff.Diff("old", []byte(r.Old), "new", []byte(r.New))), "@@\n")
		fmt.Fprintf(&b, "\n```diff\n%s```\n\n```text\n", hunk)
		for _, f := range (breaking.Pair{Old: parse(t, r.Old), New: parse(t, r.New)}).Findings() {
			parties := make([]string, len(f.Breaks))
			for i, p := range f.Breaks {
				parties[i] = string(p)
			}
			fmt.Fprintf(&b, "jobs.yaml:%s: %s [%s %s]\n\tbreaks: %s\n", f.At, f.Message, f.Rule.Name, f.Level, strings.Join(parties, ", "))
		}
		b.WriteString("```\n")
	}
	return b.String()
}

func TestTheTablesOfBreakingAreCurrent(t *testing.T) {
	t.Parallel()
	page := filepath.Join("..", "..", "..", "docs", "reference", "breaking.md")
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	want := string(data)
	for mark, table := range map[string]string{"changes": changeTable(t), "rules": ruleList(t)} {
		open, end := "<!-- "+mark+" -->\n", "<!-- /"+mark+" -->\n"
		before, rest, found := strings.Cut(want, open)
		_, after, ended := strings.Cut(rest, end)
		if !found || !ended {
			t.Fatalf("%s has no place for the %s", page, mark)
		}
		want = before + open + "\n" + table + "\n" + end + after
	}
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(string(data), want); d != "" {
		t.Errorf("docs/reference/breaking.md is stale: run go test ./internal/test/rolltest -run Tables -update (-have +want):\n%s", d)
	}
}
