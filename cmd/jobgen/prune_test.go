package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres"
)

const twoVersions = `format: 1
package: example.com/shop/gen/jobs
jobs:
  email:
    queue: emails
    versions:
      v1:
        payload:
          to: string
      v2:
        declared: true
        payload:
          to: int64
`

func TestPruneDropsNothingThatAnOlderProcessMayEnqueue(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	if err := postgres.Migrate(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	store, err := postgres.Open(t.Context(), dsn, runtime.NewCatalogue())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })

	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := write("jobs.yaml", "version: 1\npackage: example.com/shop/gen/jobs\nqueues: {emails: {}}\njobs: {email: {queue: emails, payload: {to: int64}}}\n")
	lock := write("jobs.lock", twoVersions)
	prune := func(changed time.Time, flags ...string) (int, string) {
		if err := os.Chtimes(lock, changed, changed); err != nil {
			t.Fatal(err)
		}
		var stdout, stderr strings.Builder
		code := run(t.Context(), append([]string{"prune", path, "--database", dsn}, flags...), &stdout, &stderr)
		return code, stdout.String() + stderr.String()
	}
	later, earlier := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)

	code, said := prune(later)
	if have, _ := os.ReadFile(lock); code != exitInput || string(have) != twoVersions {
		t.Errorf("exit %d, and the lock is\n%s", code, have)
	}
	if !strings.Contains(said, "1 process is older than this lock: jobs.lock changed at ") || !strings.Contains(said, "\n\tnode ") {
		t.Errorf("it said %s", said)
	}
	if code, said := prune(earlier); code != exitDone || !strings.Contains(said, "email: version 1 is dropped") {
		t.Errorf("with a lock that is older than the process: exit %d: %s", code, said)
	}
	write("jobs.lock", twoVersions)
	if code, said := prune(later, "--despite-older-processes"); code != exitDone || !strings.Contains(said, "email: version 1 is dropped") {
		t.Errorf("with the flag: exit %d: %s", code, said)
	}
	// Nothing is left to drop.
	if code, said := prune(later); code != exitDone {
		t.Errorf("with nothing to drop: exit %d: %s", code, said)
	}
}
