package main

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/jobgen/jobgen/internal/test/pgtest"
)

// TestApplicationStories builds applications in modules of their own and runs
// them on PostgreSQL, each story on a database of its own.
func TestApplicationStories(t *testing.T) {
	t.Parallel()
	stories := params(t, filepath.Join("testdata", "postgres"), nil)
	setup := stories.Setup
	stories.Setup = func(e *testscript.Env) error {
		e.Setenv("DATABASE_URL", pgtest.DSN(t))
		return setup(e)
	}
	testscript.Run(t, stories)
}
