package main

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/jobgen/jobgen/internal/pgtest"
)

// TestApplicationStory builds an application in a module of its own and runs
// it on PostgreSQL.
func TestApplicationStory(t *testing.T) {
	t.Parallel()
	testscript.Run(t, params(t, filepath.Join("testdata", "postgres"), map[string]string{"DATABASE_URL": pgtest.DSN(t)}))
}
