package repo_test

import (
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pages are the documents that people read, by their paths.
func pages(t *testing.T) map[string]string {
	t.Helper()
	atRoot()
	all := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "bench/*.md", "examples/*/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			all[filepath.ToSlash(file)] = read(t, file)
		}
	}
	if len(all) < 10 {
		t.Fatalf("only %d documents were found: %q", len(all), slices.Sorted(maps.Keys(all)))
	}
	return all
}

var (
	fenced = regexp.MustCompile("(?ms)^ *```([a-z]*)\n(.*?)^ *```$")
	code   = regexp.MustCompile("``[^\n]*?``|`[^`\n]*`")
	link   = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	header = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	// GitHub makes an anchor of a heading by leaving these out.
	unanchored = regexp.MustCompile(`[^\p{L}\p{N}\- _]`)
)

// anchors are what can follow # in a link to a page.
func anchors(page string) map[string]bool {
	found := map[string]bool{}
	for _, heading := range header.FindAllStringSubmatch(fenced.ReplaceAllString(page, ""), -1) {
		anchor := unanchored.ReplaceAllString(strings.ToLower(strings.TrimSpace(heading[1])), "")
		found[strings.ReplaceAll(anchor, " ", "-")] = true
	}
	return found
}

func TestEachLinkLeadsSomewhere(t *testing.T) {
	t.Parallel()
	all, count := pages(t), 0
	for file, page := range all {
		text := code.ReplaceAllString(fenced.ReplaceAllString(page, ""), "")
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			target, err := url.Parse(match[1])
			if err != nil {
				t.Errorf("%s: link %s: %v", file, match[1], err)
				continue
			}
			if target.IsAbs() {
				continue
			}
			count++
			to := file
			if target.Path != "" {
				to = filepath.ToSlash(filepath.Join(filepath.Dir(file), filepath.FromSlash(target.Path)))
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: link %s: %v", file, match[1], err)
				continue
			}
			if target.Fragment != "" && !anchors(all[to])[target.Fragment] {
				t.Errorf("%s: link %s: %s has no such heading", file, match[1], to)
			}
		}
	}
	if count < 20 {
		t.Errorf("only %d links were found", count)
	}
}

func TestArchitectureListsEachPackage(t *testing.T) {
	t.Parallel()
	page := read(t, "docs/internals/architecture.md")
	_, page, _ = strings.Cut(page, "<!-- packages -->")
	table, _, found := strings.Cut(page, "<!-- /packages -->")
	if !found {
		t.Fatal("docs/internals/architecture.md has no table between <!-- packages --> and <!-- /packages -->")
	}
	listed := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| \\S").FindAllStringSubmatch(table, -1) {
		if listed[row[1]] {
			t.Errorf("package %s is there twice", row[1])
		}
		listed[row[1]] = true
	}
	own, _ := packages(t)
	for name := range own {
		if !listed[name] {
			t.Errorf("package %s is missing", name)
		}
		delete(listed, name)
	}
	for name := range listed {
		t.Errorf("there is no package %s", name)
	}
}

// indented returns a document's commands, which stand four spaces in and may
// have a comment behind them.
func indented(page string) []string {
	var commands []string
	for _, line := range regexp.MustCompile(`(?m)^    (\S.*)$`).FindAllStringSubmatch(fenced.ReplaceAllString(page, ""), -1) {
		command, _, _ := strings.Cut(line[1], "  ")
		commands = append(commands, strings.TrimSpace(command))
	}
	return commands
}

func TestTheReadmesTestCommandIsTheOneThatCIRuns(t *testing.T) {
	t.Parallel()
	have := indented(read(t, "README.md"))
	want := []string{"go run ./examples/email", "go test ./..."}
	if !slices.Equal(have, want) {
		t.Errorf("the README's commands are %q, want %q", have, want)
	}
	step := regexp.MustCompile(`(?m)^\ttest\) (.*) ;;$`).FindStringSubmatch(read(t, ".ci/run"))
	if step == nil || step[1] != want[1] {
		t.Errorf("the test step of .ci/run is %q, want %q", step, want[1])
	}
}

func TestCIsHelpListsItsSteps(t *testing.T) {
	t.Parallel()
	script := read(t, ".ci/run")
	all := regexp.MustCompile(`(?m)^all="(.*)"$`).FindStringSubmatch(script)
	if all == nil {
		t.Fatal(".ci/run has no list of its steps")
	}
	_, help, _ := strings.Cut(script, "<<'END'\n")
	help, _, _ = strings.Cut(help, "\nEND\n")
	var listed []string
	for _, line := range regexp.MustCompile(`(?m)^  ([a-z-]+) +\S`).FindAllStringSubmatch(help, -1) {
		listed = append(listed, line[1])
	}
	if steps := strings.Fields(all[1]); !slices.Equal(listed, steps) {
		t.Errorf("the help lists %q, want %q", listed, steps)
	}
}

// TestCommandsNameWhatIsThere looks at the go commands of the documents for
// contributors: each package, file and tool that one names exists.
func TestCommandsNameWhatIsThere(t *testing.T) {
	t.Parallel()
	tools := read(t, "tools/go.mod")
	count := 0
	for file, page := range pages(t) {
		for _, command := range indented(page) {
			words := strings.Fields(command)
			if words[0] != "go" && words[0] != ".ci/run" {
				continue
			}
			count++
			for i, word := range words {
				if path, ok := strings.CutPrefix(word, "-modfile="); ok {
					if tool := words[i+1]; !strings.Contains(tools, tool) {
						t.Errorf("%s: %s: %s has no tool %s", file, command, path, tool)
					}
					word = "./" + path
				}
				path := strings.TrimSuffix(strings.TrimSuffix(word, "..."), "/")
				if strings.HasPrefix(path, "./") || strings.HasPrefix(path, ".ci/") {
					if _, err := os.Stat(path); err != nil {
						t.Errorf("%s: %s: %v", file, command, err)
					}
				}
			}
		}
	}
	if count < 8 {
		t.Errorf("only %d commands were found", count)
	}
}
