package postgres_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNamesAreQuotedInOnePlace holds that no other file of the package makes
// SQL identifiers, where one may be forgotten.
func TestNamesAreQuotedInOnePlace(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var quoting []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(file, "_test.go") && strings.Contains(string(text), "pgx.Identifier") {
			quoting = append(quoting, file)
		}
	}
	if len(quoting) != 1 || quoting[0] != "schema.go" {
		t.Errorf("names are quoted in %q, want schema.go alone", quoting)
	}
}
