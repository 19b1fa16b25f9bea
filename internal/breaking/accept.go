package breaking

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jobgen/jobgen/internal/diagnostic"
	"github.com/jobgen/jobgen/internal/schema"
)

// An Accepted is a finding that the new file accepts, and why.
type Accepted struct {
	Finding
	Reason string
}

// Accept divides findings into those that are open and those that the file new
// accepts. An acceptance holds for the one change that it names, by rule, subject
// and values. One that old has too was for an earlier change: it holds no longer,
// and is spent, like every one that old has. One that holds for nothing is
// unused.
func Accept(findings []Finding, old, new *schema.File) (open []Finding, accepted []Accepted, spent, unused []*schema.Acceptance) {
	matched := make(map[*schema.Acceptance]bool)
	var fresh []*schema.Acceptance
	for _, a := range new.Accepted {
		if slices.ContainsFunc(old.Accepted, a.Same) {
			spent = append(spent, a)
			continue
		}
		fresh = append(fresh, a)
	}
	for _, f := range findings {
		i := slices.IndexFunc(fresh, func(a *schema.Acceptance) bool {
			return a.Rule.Value == f.Rule.Name && a.Of.Value == f.Subject && a.Was.Value == f.From && a.Is.Value == f.To
		})
		if i < 0 || !f.acceptable() {
			open = append(open, f)
			continue
		}
		matched[fresh[i]] = true
		accepted = append(accepted, Accepted{f, fresh[i].Reason.Value})
	}
	for _, a := range fresh {
		if !matched[a] {
			unused = append(unused, a)
		}
	}
	return open, accepted, spent, unused
}

// acceptable reports whether a file can accept f: it is about the file, and not
// about what a database holds.
func (f Finding) acceptable() bool { return f.Subject != "" }

// Acceptance returns the line that accepts f in a jobs.yaml, without its reason,
// or "" where none does.
func (f Finding) Acceptance() string {
	if !f.acceptable() {
		return ""
	}
	parts := []string{"rule: " + f.Rule.Name, "of: " + scalar(f.Subject)}
	if f.From != "" {
		parts = append(parts, "was: "+scalar(f.From))
	}
	if f.To != "" {
		parts = append(parts, "is: "+scalar(f.To))
	}
	return "- {" + strings.Join(append(parts, "reason: …}"), ", ")
}

// CheckAccepted reports the acceptances that name no rule.
func CheckAccepted(file *schema.File) diagnostic.List {
	var mistakes diagnostic.List
	names := make([]string, len(rules))
	for i, r := range rules {
		names[i] = r.Name
	}
	var s diagnostic.Suggester
	for _, a := range file.Accepted {
		if name := a.Rule.Value; name != "" && !slices.Contains(names, name) {
			mistakes.Add(a.Rule.At, diagnostic.BadAcceptance, "jobgen breaking has no rule %q%s", name, s.Suggest(name, names))
		}
	}
	return mistakes
}

var (
	plain = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_./-]*\??|[1-9][0-9]*)$`)
	words = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null|inf|nan)$`)
)

// scalar returns text as YAML, in quotes where it has to be.
func scalar(text string) string {
	if plain.MatchString(text) && !words.MatchString(text) {
		return text
	}
	return fmt.Sprintf("%q", text)
}
