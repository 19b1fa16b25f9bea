package repo_test

import (
	"fmt"
	"os"
	"testing"
)

// TestMain runs the tests in the repository's root, from which they name files.
func TestMain(m *testing.M) {
	if err := os.Chdir("../../.."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(m.Run())
}
