package repo_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheIndexLeadsToEachPage wants no page that a reader cannot find.
func TestTheIndexLeadsToEachPage(t *testing.T) {
	t.Parallel()
	index := read(t, "docs/README.md")
	for page := range pages(t) {
		path, below := strings.CutPrefix(page, "docs/")
		if !below || path == "README.md" {
			continue
		}
		if folder := filepath.Dir(path); folder == "internals" && strings.Contains(read(t, "docs/internals/architecture.md"), "("+filepath.Base(path)) {
			continue // a page of reasons
		}
		if !strings.Contains(index, "("+path) {
			t.Errorf("docs/README.md has no link to %s", path)
		}
	}
}

func TestNoPageHasAMergeConflict(t *testing.T) {
	t.Parallel()
	for page, text := range pages(t) {
		if regexp.MustCompile(`(?m)^(<{7}|={7}|>{7})( |$)`).MatchString(text) {
			t.Errorf("%s has the marks of a merge conflict", page)
		}
	}
}

// TestTheFirstJobIsShort counts what somebody writes before a job is handled.
// Empty lines and imports, which editors write, are left out.
func TestTheFirstJobIsShort(t *testing.T) {
	t.Parallel()
	count := func(text string) (n int) {
		for line := range strings.Lines(text) {
			if strings.TrimSpace(line) != "" {
				n++
			}
		}
		return n
	}
	limits := map[string]int{"yaml": 15, "go": 25}
	for _, s := range snippets(t, "docs/getting-started.md") {
		limit, first := limits[s.language]
		if !first {
			continue
		}
		delete(limits, s.language)
		text := regexp.MustCompile(`(?ms)^import \(.*?^\)`).ReplaceAllString(s.text, "")
		if n := count(text); n > limit {
			t.Errorf("the first %s is %d lines, want at most %d", s.language, n, limit)
		}
	}
	const within = 15
	before, _, found := strings.Cut(read(t, "README.md"), "```go\n")
	if line := strings.Count(before, "\n") + 1; !found || line > within {
		t.Errorf("the README's first Go is on line %d, want it within %d", line, within)
	}
}

// TestEachWorkerOfTheDocumentsStopsOnSIGTERM looks at programs, which people
// copy: SIGTERM is what ends a process at a deployment.
func TestEachWorkerOfTheDocumentsStopsOnSIGTERM(t *testing.T) {
	t.Parallel()
	count := 0
	for page := range pages(t) {
		for _, s := range snippets(t, page) {
			if s.complete() && strings.Contains(s.text, "NewWorker(") && strings.Contains(s.text, "func main()") {
				count++
				if !strings.Contains(s.text, "syscall.SIGTERM") {
					t.Errorf("%s: a program's worker does not stop on SIGTERM", page)
				}
			}
		}
	}
	if count < 5 {
		t.Errorf("only %d programs were found", count)
	}
}
