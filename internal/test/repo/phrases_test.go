package repo_test

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A phrase is one that readers had to read twice, with what to say instead.
type phrase struct {
	match *regexp.Regexp
	say   string
}

func said(pattern, say string) phrase {
	return phrase{regexp.MustCompile(`\b(?:` + pattern + `)\b`), say}
}

var phrases = []phrase{
	said(`[Ss]lip of the pen`, "typo"),
	said(`[Ss]ays? whom|whom a change`, "reports breaking changes"),
	said(`What it was is`, "the base is"),
	said(`for who`, "for reviewers, for people who"),
	said(`in (?:its|the) one form`, "formatted"),
	said(`names? (?:of a package )?may meet|meet in Go`, "must be unique, are the same in Go"),
	said(`is no (?:YAML|address|list|e-mail)`, "is not valid YAML"),
	said(`What of YAML`, "Unsupported YAML"),
	said(`taken for gone|takes? everybody for`, "declared dead"),
	said(`lives on`, "continues"),
	said(`[Kk]nowingly`, "and logs it"),
	said(`as it should be`, "correct, up to date"),
	said(`the (?:thief|thieves)`, "the other handler"),
	said(`wait for ever|for ever`, "forever"),
	said(`needed no longer|declares no longer`, "no longer needed"),
	said(`called so`, "of that name"),
	said(`none that`, "no …"),
	said(`asks a database: say which`, "needs a database: name it"),
	said(`What lacks`, "a type without"),
	said(`it has done what it is for`, "it has done its work"),
	said(`must bear|to bear that`, "must be idempotent"),
	said(`a row an attempt`, "a row for each attempt"),
}

// TestNoPhraseHasToBeReadTwice looks at the documents, and at the strings and
// comments of product code.
func TestNoPhraseHasToBeReadTwice(t *testing.T) {
	t.Parallel()
	texts := pages(t)
	delete(texts, "bench/README.md")
	delete(texts, "docs/internals/reliability.md") // the words of the fault tests
	for _, folder := range []string{"cmd", "internal", "runtime", "gen", "examples", "queries"} {
		err := filepath.WalkDir(folder, func(file string, entry fs.DirEntry, err error) error {
			file = filepath.ToSlash(file)
			switch {
			case err != nil:
				return err
			case entry.IsDir():
				if slices.Contains([]string{"internal/test", "runtime/queuetest"}, file) || entry.Name() == "testdata" {
					return fs.SkipDir
				}
			case !slices.Contains([]string{".go", ".sql", ".yaml"}, filepath.Ext(file)) || strings.HasSuffix(file, "_test.go"):
			default:
				texts[file] = read(t, file)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(texts) < 200 {
		t.Errorf("only %d files were found", len(texts))
	}
	for file, text := range texts {
		for i, line := range strings.Split(text, "\n") {
			for _, p := range phrases {
				if found := p.match.FindString(line); found != "" {
					t.Errorf("%s:%d: %q; say %s", file, i+1, found, p.say)
				}
			}
		}
	}
}
