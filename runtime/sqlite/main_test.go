package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/jobgen/jobgen/internal/test/leak"
)

// childRole makes this test binary a process of its own that does one thing to
// the file named by childPath.
const (
	childRole = "JOBGEN_SQLITE_TEST_ROLE"
	childPath = "JOBGEN_SQLITE_TEST_PATH"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		if err := roles[role](context.Background(), os.Getenv(childPath)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	leak.Main(m)
}
