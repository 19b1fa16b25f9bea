package breaking_test

import (
	"fmt"
	"regexp"
	"slices"
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
