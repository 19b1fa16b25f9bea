package gotypes_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/gotypes"
	"github.com/jobgen/jobgen/internal/schema"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
)

var update = flag.Bool("update", false, "write docs/reference/diagnostics.md anew")

// write makes files below a new directory, which is a module called
// example.com/shop, and returns it.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	all := map[string]string{"go.mod": "module example.com/shop\n\ngo 1.26\n"}
	for name, content := range files {
		all[name] = content
	}
	for name, content := range all {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// check reads src as a file in dir, as jobgen does.
func check(t testing.TB, dir, src string) (*gotypes.Package, diagnostic.List) {
	t.Helper()
	file, mistakes := schema.Parse("jobs.yaml", []byte(src))
	if file == nil {
		return nil, mistakes
	}
	pkg, _, more, err := gotypes.Load(t.Context(), file, dir)
	if err != nil {
		t.Fatal(err)
	}
	mistakes = append(mistakes, more...)
	mistakes.Sort()
	return pkg, mistakes
}

// lines returns mistakes as jobgen prints them.
func lines(mistakes diagnostic.List) []string {
	var all []string
	for _, m := range mistakes {
		all = append(all, fmt.Sprintf("jobs.yaml:%s: %s [%s]", m.Position, m.Message, m.Rule.Name))
	}
	return all
}

func TestEachRuleFindsItsMistakeAndNoOther(t *testing.T) {
	t.Parallel()
	for _, rule := range diagnostic.Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			t.Parallel()
			_, mistakes := check(t, write(t, nil), rule.Example)
			if len(mistakes) != 1 || mistakes[0].Rule != rule {
				t.Errorf("found %q, want one mistake against %s", lines(mistakes), rule.Name)
			}
		})
	}
}

func TestRulesHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, rule := range diagnostic.Rules() {
		if seen[rule.Name] || !regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`).MatchString(rule.Name) {
			t.Errorf("the name %q is not valid, or another rule has it", rule.Name)
		}
		seen[rule.Name] = true
	}
}

const pageTop = `# Diagnostics

What jobgen reports about a ` + "`jobs.yaml`" + ` that is not valid, by the name in brackets at the end of the line. All mistakes of a file are
reported in one run. A name never changes its meaning.

` + "`go test ./internal/gotypes -update`" + ` generates this page from the rules in ` + "`internal/diagnostic`" + `. An example that does not
show them begins with the first four lines of this file:

` + "```yaml\n" + shared + "jobs:\n  email: {queue: emails, payload: {to: string}}\n```\n"

const shared = diagnostic.ExampleHead + "queues:\n  emails: {}\n"

// excerpt returns an example without the lines that the page shows once, and with
// what cannot be seen spelled out.
func excerpt(example string) string {
	part, ok := strings.CutPrefix(example, shared)
	if !ok {
		part = strings.TrimPrefix(example, diagnostic.ExampleHead)
	}
	return strings.NewReplacer("\xe9", "\\xe9", "\u202e", "\\u202e").Replace(part)
}

func TestDiagnosticsPageIsCurrent(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(pageTop)
	b.WriteString("\n| rule | |\n| --- | --- |\n")
	for _, rule := range diagnostic.Rules() {
		fmt.Fprintf(&b, "| [%s](#%[1]s) | %s |\n", rule.Name, rule.Title)
	}
	section := ""
	for _, rule := range diagnostic.Rules() {
		if rule.About != section {
			section = rule.About
			fmt.Fprintf(&b, "\n## %s\n", section)
		}
		_, mistakes := check(t, write(t, nil), rule.Example)
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n```yaml\n%s```\n\n```text\n%s\n```\n", rule.Name, rule.Meaning,
			excerpt(rule.Example), strings.Join(lines(mistakes), "\n"))
	}
	page := filepath.Join("..", "..", "docs", "reference", "diagnostics.md")
	if *update {
		if err := os.WriteFile(page, []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(have), b.String()); d != "" {
		t.Errorf("docs/reference/diagnostics.md is stale: run go test ./internal/gotypes -update (-have +want):\n%s", d)
	}
}

func TestTheLanguageKnowsTheRuntimesLimits(t *testing.T) {
	t.Parallel()
	if schema.DefaultMaxWorkDuration != runtime.DefaultMaxWorkDuration {
		t.Errorf("the default is %v there, and %v here", runtime.DefaultMaxWorkDuration, schema.DefaultMaxWorkDuration)
	}
	job := "version: 1\npackage: example.com/shop/jobs\nqueues: {%q: {}}\njobs: {a: {queue: %[1]q, priority: %d, payload: {}}}\n"
	dir := write(t, nil)
	long := strings.Repeat("q", driver.MaxNameSize)
	for src, ok := range map[string]bool{
		fmt.Sprintf(job, long, driver.MaxPriority):     true,
		fmt.Sprintf(job, long+"q", driver.MaxPriority): false,
		fmt.Sprintf(job, long, driver.MaxPriority+1):   false,
	} {
		if _, mistakes := check(t, dir, src); (len(mistakes) == 0) != ok {
			t.Errorf("%.60s…: %q", src, lines(mistakes))
		}
	}
}
