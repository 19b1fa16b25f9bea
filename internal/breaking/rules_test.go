package breaking_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jobgen/jobgen/internal/breaking"
	"github.com/jobgen/jobgen/internal/schema"
)

// parse reads a jobs.yaml that has no mistakes.
func parse(t testing.TB, src string) *schema.File {
	t.Helper()
	file, mistakes := schema.Parse("jobs.yaml", []byte(src))
	if len(mistakes) > 0 {
		t.Fatalf("%v\n%s", mistakes, src)
	}
	return file
}

// lines returns findings as a test compares them.
func lines(findings []breaking.Finding) []string {
	var all []string
	for _, f := range findings {
		all = append(all, fmt.Sprintf("%s (was %s): %s [%s %s] breaks %v", f.At, f.Was, f.Message, f.Rule.Name, f.Level, f.Breaks))
	}
	return all
}

func TestEachRuleFindsItsChangeAndNoOther(t *testing.T) {
	t.Parallel()
	for _, rule := range breaking.Rules() {
		if rule.Old == "" {
			continue // cmd/jobgen has the database to break it
		}
		t.Run(rule.Name, func(t *testing.T) {
			t.Parallel()
			old, now := parse(t, rule.Old), parse(t, rule.New)
			found := breaking.Pair{Old: old, New: now}.Findings()
			if len(found) != 1 || found[0].Rule != rule || found[0].Level != rule.Level {
				t.Fatalf("found %q, want one finding against %s of level %s", lines(found), rule.Name, rule.Level)
			}
			f := found[0]
			if f.At.Line == 0 || len(f.Breaks) == 0 || f.Do == "" {
				t.Errorf("the finding has no place, or nobody that it breaks, or nothing to do: %+v", f)
			}
			if none := (breaking.Pair{Old: now, New: now}).Findings(); len(none) > 0 {
				t.Errorf("the file against itself: %q", lines(none))
			}
		})
	}
}

func TestAnUpgradedJobStrandsNothing(t *testing.T) {
	t.Parallel()
	for _, rule := range breaking.Rules() {
		found := breaking.Pair{Old: parseOr(t, rule.Old), New: parseOr(t, rule.New), Upgraded: func(string) bool { return true }}.Findings()
		for _, f := range found {
			of := []*breaking.Rule{
				breaking.FieldAdded, breaking.FieldTypeChanged, breaking.FieldMadeRequired, breaking.EnumValueRemoved, breaking.KeyReused, breaking.DefaultChanged,
			}
			if slices.Contains(of, f.Rule) && (f.Level == breaking.Rows || slices.Contains(f.Breaks, breaking.WaitingJobs)) {
				t.Errorf("%q", lines(found))
			}
		}
		if rule == breaking.VersionSkipped && len(found) > 0 {
			t.Errorf("%q", lines(found))
		}
	}
}

func parseOr(t *testing.T, src string) *schema.File {
	if src == "" {
		return &schema.File{}
	}
	return parse(t, src)
}

func TestRulesHaveNamesOfTheirOwnAndAreWhole(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, rule := range breaking.Rules() {
		if seen[rule.Name] {
			t.Errorf("two rules are called %s", rule.Name)
		}
		seen[rule.Name] = true
		if !regexp.MustCompile(`^[a-z]+(-[a-z]+)+$`).MatchString(rule.Name) || rule.Meaning == "" || rule.Do == "" || !slices.Contains(breaking.Levels(), rule.Level) {
			t.Errorf("rule %s is not whole: %+v", rule.Name, rule)
		}
	}
}

func TestAnOptionThatIsLeftOutHasItsDefault(t *testing.T) {
	t.Parallel()
	job := func(option string) *schema.File {
		return parse(t, "version: 1\npackage: a.b/c\nqueues: {q: {}}\njobs: {a: {queue: q"+option+"}}\n")
	}
	for _, c := range []struct{ old, new, want string }{
		{", max_attempts: unlimited", "", `job "a": max_attempts was unlimited and is 25`},
		{", max_attempts: 30", "", `job "a": max_attempts was 30 and is 25`},
		{"", ", max_attempts: 24", `job "a": max_attempts was 25 and is 24`},
		{"", ", max_attempts: 25", ""},
		{"", ", max_attempts: unlimited", ""},
		{", max_work_duration: 2m", "", `job "a": max_work_duration was 2m0s and is 1m0s`},
	} {
		got := ""
		for _, f := range (breaking.Pair{Old: job(c.old), New: job(c.new)}).Findings() {
			got += f.Message
		}
		if got != c.want {
			t.Errorf("%q to %q: %q, want %q", c.old, c.new, got, c.want)
		}
	}
}

func TestAConstructorThatCompilesAndMeansSomethingElseIsFound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ old, new, want string }{
		{"a: string, b: int", "c: string, b: int", `argument 1 of the constructor was "a" and is "c"`},
		{"a: string, b: string", "a: string, c: string", `argument 2 of the constructor was "b" and is "c"`},
		{"a: string, b: string", "b: string, a: string", `argument 1 of the constructor was "a" and is "b"`},
		{"a: string, b: string?", "a: string?, b: string", `argument 1 of the constructor was "a" and is "b"`},
		{"a: string, b: string", "b: string", ""},
		{"a: string", "a: string, b: string", ""},
		{"a: string", "b: int", ""},
		{"a: string", "b: {type: string, renamed_from: a}", ""},
		{"a: string, b: int?", "b: int?, a: string", ""},
	} {
		file := func(fields string) *schema.File {
			return parse(t, "version: 1\npackage: a.b/c\nqueues: {q: {}}\njobs: {j: {queue: q, payload: {"+fields+"}}}\n")
		}
		got := ""
		for _, f := range (breaking.Pair{Old: file(c.old), New: file(c.new)}).Findings() {
			if f.Rule == breaking.ArgumentChanged {
				got += strings.TrimPrefix(f.Message, `job "j": `)
			}
		}
		if got != c.want {
			t.Errorf("%s to %s: %q, want %q", c.old, c.new, got, c.want)
		}
	}
}
