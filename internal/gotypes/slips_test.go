package gotypes_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// The slips are what people really write, a file each, and behind each what
// jobgen says of it, for the whole to be read as one text.
func TestEachSlipIsExplained(t *testing.T) {
	t.Parallel()
	path := filepath.Join("testdata", "slips.txtar")
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := write(t, map[string]string{"broken/broken.go": "package broken\n\ntype Type struct{ A missing }\n\nfunc f() int { return \"\" }\n"})
	now := &txtar.Archive{Comment: archive.Comment}
	slips := 0
	for _, f := range archive.Files {
		if strings.HasSuffix(f.Name, ": said") {
			continue
		}
		src := string(f.Data)
		if !strings.Contains(src, "package") {
			src = shared + src
		}
		src = strings.NewReplacer("<tab>", "\t", "<cr>", "\r", "<bom>", "\ufeff", "<nbsp>", "\u00a0",
			"<ours>", "<<<<<<<", "<middle>", "=======", "<theirs>", ">>>>>>>").Replace(src)
		_, mistakes := check(t, dir, src)
		now.Files = append(now.Files, f, txtar.File{Name: f.Name + ": said", Data: []byte(strings.Join(lines(mistakes), "\n") + "\n")})
		slips++
	}
	if slips < 50 {
		t.Errorf("there are only %d slips", slips)
	}
	for _, f := range now.Files {
		for _, page := range regexp.MustCompile(`docs/[a-z/-]+\.md`).FindAllString(string(f.Data), -1) {
			if _, err := os.Stat(filepath.Join("..", "..", page)); err != nil {
				t.Errorf("%s: it names %s: %v", f.Name, page, err)
			}
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := txtar.Format(now)
	if *update {
		if err := os.WriteFile(path, want, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(string(have), string(want)); d != "" {
		t.Errorf("%s is stale: run go test ./internal/gotypes -update, and read what it says (-have +want):\n%s", path, d)
	}
}
