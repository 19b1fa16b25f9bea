package repo_test

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A word is one that this project once had to itself, where the field has
// another that everybody knows.
type word struct {
	name string
	// forms are the word in identifiers, of which each part is looked at, and in
	// comments.
	forms *regexp.Regexp
	// prose is what is looked for in comments instead, where the word has a plain
	// English meaning as well.
	prose *regexp.Regexp
	say   string
}

func forms(s string) *regexp.Regexp { return regexp.MustCompile(`(?i)^(?:` + s + `)$`) }
func prose(s string) *regexp.Regexp { return regexp.MustCompile(`(?i)\b(?:` + s + `)\b`) }

var words = []word{
	{name: "adder", forms: forms("adders?"), say: "insert batcher"},
	{name: "bell", forms: forms("bells?"), say: "wake, notify"},
	{name: "crowd", forms: forms("crowd(s|ed)?"), say: "wake-up damping"},
	{name: "deaf", forms: forms("deaf"), say: "silent, stalled"},
	{name: "former", forms: forms("former"), say: "previous, earlier; of a file that a change is compared with, base"},
	{name: "held", forms: forms("unheld"), prose: prose("the held(?: of| in|[.,;:]|$)"), say: "current claim"},
	{name: "hub", forms: forms("hubs?"), say: "queueState"},
	{name: "interned", forms: forms("intern(s|ed)?"), say: "name cache"},
	{name: "judge", forms: forms("judge[sd]?"), say: "decide, compare; canDeclareDead"},
	{name: "native", forms: forms("natives?"), say: "raw rows"},
	{name: "settle", forms: forms("settle[sd]?"), say: "decide, wait for, format"},
	{name: "spread", forms: forms("spreads?"), say: "manyQueues"},
	{name: "survey", forms: forms("survey(s|ed)?"), say: "inspector, snapshot"},
	{name: "turn", forms: forms("turns?|turners?"), prose: prose("(?:a|an|the|its|their|each|every|this|one|next|last|in|by|between its) turns?|take turns"), say: "FinishAndClaim, writeLock, round"},
	{name: "unwait", forms: forms("unwait"), say: "dequeue"},
	{name: "verdict", forms: forms("verdicts?"), say: "result, status"},
	{name: "writable", forms: forms("writable"), say: "failover-aware pool"},
}

// An exception allows words in the files below a path. One that allows nothing
// which is there has to go.
type exception struct {
	below  string
	words  []string
	reason string
}

var exceptions = []exception{
	// Not renamed yet.
	{"cmd/jobgen", []string{"survey"}, "calls postgres.OpenSurvey"},
	{"internal/emit", []string{"settle"}, "formats until nothing changes"},
	{"internal/format", []string{"settle"}, "decides what stays on one line"},
	{"internal/lock", []string{"settle"}, "decides which versions read which"},
	{"queries/postgres", []string{"survey", "verdict"}, "sqlc's names come from here"},
	{"runtime/queuetest", []string{"adder"}, "adds in each way that there is"},
	{"runtime/postgres", []string{"interned", "survey", "turn", "verdict"}, "reads the columns of finish()"},
}

// identifierPart is one part of camelCase or of snake_case. GitHub is one word.
var identifierPart = regexp.MustCompile(`GitHub|[A-Z]?[a-z]+|[A-Z]+`)

// TestCodeSpeaksTheLanguageOfTheField looks at identifiers and comments of
// product code, which is what is neither a test nor generated nor for tests.
func TestCodeSpeaksTheLanguageOfTheField(t *testing.T) {
	t.Parallel()
	atRoot()
	used := map[string]bool{}
	count := 0
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		file = filepath.ToSlash(file)
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			if slices.Contains([]string{"bench", "tools", "internal/test"}, file) || entry.Name() == "testdata" || file != "." && strings.HasPrefix(entry.Name(), ".") {
				return fs.SkipDir
			}
			return nil
		case path.Ext(file) != ".go" && path.Ext(file) != ".sql" || strings.HasSuffix(file, "_test.go") || generated(t, file):
			return nil
		}
		count++
		for place, w := range wordsIn(t, file) {
			if below, ok := excepted(file, w.name); ok {
				used[below+" "+w.name] = true
				continue
			}
			t.Errorf("%s: the word %q; say %s", place, w.name, w.say)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range exceptions {
		for _, name := range e.words {
			if !used[e.below+" "+name] {
				t.Errorf("the word %q is excepted in %s and is not there: take it out of the exceptions", name, e.below)
			}
		}
	}
	if count < 100 {
		t.Errorf("only %d files were looked at", count)
	}
}

// excepted returns the exception's path.
func excepted(file, name string) (below string, ok bool) {
	for _, e := range exceptions {
		if (file == e.below || strings.HasPrefix(file, e.below+"/")) && slices.Contains(e.words, name) {
			return e.below, true
		}
	}
	return "", false
}

// wordsIn returns the words in a file by where they are, its name included.
func wordsIn(t *testing.T, file string) map[string]word {
	t.Helper()
	found := map[string]word{}
	look := func(place, text string, comment bool) {
		for _, w := range words {
			if comment && w.prose != nil {
				if w.prose.MatchString(text) {
					found[place] = w
				}
				continue
			}
			if slices.ContainsFunc(identifierPart.FindAllString(text, -1), w.forms.MatchString) {
				found[place] = w
			}
		}
	}
	look(file, path.Base(file), false)
	text := read(t, file)
	if path.Ext(file) == ".sql" {
		for i, line := range strings.Split(text, "\n") {
			code, comment, _ := strings.Cut(line, "--")
			place := token.Position{Filename: file, Line: i + 1}.String()
			look(place, code, false)
			look(place, comment, true)
		}
		return found
	}
	fset := token.NewFileSet()
	source := fset.AddFile(file, -1, len(text))
	var s scanner.Scanner
	s.Init(source, []byte(text), nil, scanner.ScanComments)
	for {
		pos, tok, literal := s.Scan()
		switch tok {
		case token.EOF:
			return found
		case token.IDENT:
			look(fset.Position(pos).String(), literal, false)
		case token.COMMENT:
			look(fset.Position(pos).String(), literal, true)
		}
	}
}
