package repo_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// released is a repository of its own in which .ci/release runs for real, but
// for the checks: .ci/run and go do nothing there, unless told to fail.
type released struct{ dir string }

func newReleased(t *testing.T) released {
	t.Helper()
	r := released{t.TempDir()}
	for path, text := range map[string]string{
		".ci/release":                           read(t, ".ci/release"),
		".ci/run":                               "#!/bin/sh\n[ ! -e fail ]\n",
		"bin/go":                                "#!/bin/sh\nexit 0\n",
		"CHANGELOG.md":                          "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A thing.\n\n[Unreleased]: https://github.com/jobgen/jobgen/commits/main\n",
		"docs/page.md":                          "Before.\n\n<!-- unreleased -->\nThere is no release yet.\n<!-- /unreleased -->\nAfter.\n",
		"runtime/postgres/migrations/001_a.sql": "CREATE TABLE a ();\n",
	} {
		write(t, filepath.Join(r.dir, path), text)
		if !strings.Contains(path, ".md") {
			if err := os.Chmod(filepath.Join(r.dir, path), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.git(t, "init", "-q", "-b", "main")
	r.commit(t)
	return r
}

func (r released) git(t *testing.T, args ...string) string {
	t.Helper()
	out, err := r.command(t, "git", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func (r released) commit(t *testing.T) {
	t.Helper()
	r.git(t, "add", "-A")
	r.git(t, "commit", "-q", "-m", "a change")
}

func (r released) command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir = r.dir
	command.Env = append(os.Environ(), "PATH="+filepath.Join(r.dir, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"),
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@mail.example", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@mail.example")
	return command
}

func (r released) release(t *testing.T, version string) (string, error) {
	t.Helper()
	out, err := r.command(t, ".ci/release", version).CombinedOutput()
	return string(out), err
}

func TestAReleaseIsOneCommand(t *testing.T) {
	t.Parallel()
	r := newReleased(t)
	if out, err := r.release(t, "v0.1.0"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	changes := read(t, filepath.Join(r.dir, "CHANGELOG.md"))
	for _, want := range []string{
		"## [Unreleased]\n\n## [0.1.0] - ", "- A thing.",
		"[Unreleased]: https://github.com/jobgen/jobgen/compare/v0.1.0...main\n[0.1.0]: https://github.com/jobgen/jobgen/releases/tag/v0.1.0\n",
	} {
		if !strings.Contains(changes, want) {
			t.Errorf("want %q in\n%s", want, changes)
		}
	}
	if page := read(t, filepath.Join(r.dir, "docs/page.md")); page != "Before.\n\nAfter.\n" {
		t.Errorf("the page says %q", page)
	}
	if notes := r.git(t, "tag", "-l", "--format=%(contents)", "v0.1.0"); !strings.HasPrefix(notes, "v0.1.0\n") || !strings.Contains(notes, "### Added\n\n- A thing.") {
		t.Errorf("the tag says %q", notes)
	}
	if status := r.git(t, "status", "--porcelain"); status != "" {
		t.Errorf("left behind:\n%s", status)
	}

	write(t, filepath.Join(r.dir, "CHANGELOG.md"), strings.Replace(changes, "## [Unreleased]\n", "## [Unreleased]\n\n- Another.\n", 1))
	write(t, filepath.Join(r.dir, "runtime/postgres/migrations/002_b.sql"), "CREATE TABLE b ();\n")
	r.commit(t)
	if out, err := r.release(t, "v0.2.0"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if want := "[0.2.0]: https://github.com/jobgen/jobgen/compare/v0.1.0...v0.2.0\n[0.1.0]: "; !strings.Contains(read(t, filepath.Join(r.dir, "CHANGELOG.md")), want) {
		t.Errorf("want %q in\n%s", want, read(t, filepath.Join(r.dir, "CHANGELOG.md")))
	}
}

func TestAReleaseThatIsNotReadyIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		version, want string
		prepare       func(*testing.T, released)
	}{
		"no version":        {"0.1.0", "is not a version", func(*testing.T, released) {}},
		"a changed file":    {"v0.1.0", "the work tree has changes", func(t *testing.T, r released) { write(t, filepath.Join(r.dir, "new"), "") }},
		"another branch":    {"v0.1.0", "made on main", func(t *testing.T, r released) { r.git(t, "switch", "-q", "-c", "other") }},
		"a tag that exists": {"v0.1.0", "exists", func(t *testing.T, r released) { r.git(t, "tag", "v0.1.0") }},
		"an older version":  {"v0.1.0", "not later than v0.2.0", func(t *testing.T, r released) { r.git(t, "tag", "v0.2.0") }},
		"a released migration changed": {"v0.2.0", "migrations that v0.1.0 has released", func(t *testing.T, r released) {
			r.git(t, "tag", "v0.1.0")
			write(t, filepath.Join(r.dir, "runtime/postgres/migrations/001_a.sql"), "CREATE TABLE b ();\n")
			r.commit(t)
		}},
		"nothing to release": {"v0.1.0", "lists nothing", func(t *testing.T, r released) {
			write(t, filepath.Join(r.dir, "CHANGELOG.md"), "## [Unreleased]\n")
			r.commit(t)
		}},
		"a failed check": {"v0.1.0", "a step of .ci/run failed", func(t *testing.T, r released) {
			write(t, filepath.Join(r.dir, "fail"), "")
			r.commit(t)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReleased(t)
			c.prepare(t, r)
			before := r.git(t, "for-each-ref") + r.git(t, "status", "--porcelain")
			out, err := r.release(t, c.version)
			if err == nil || !strings.Contains(out, c.want) {
				t.Errorf("%v, %q; want a refusal that says %q", err, out, c.want)
			}
			if after := r.git(t, "for-each-ref") + r.git(t, "status", "--porcelain"); after != before {
				t.Errorf("it has changed\n%s\nto\n%s", before, after)
			}
		})
	}
}

// TestTheForgesFilesAreYAMLAndCallCI looks at what nothing else here reads.
func TestTheForgesFilesAreYAMLAndCallCI(t *testing.T) {
	t.Parallel()
	atRoot()
	files, err := filepath.Glob(".github/*/*.yml")
	if err != nil || len(files) < 4 {
		t.Fatalf("found %q, %v", files, err)
	}
	for _, file := range files {
		var content map[string]any
		if err := yaml.Unmarshal([]byte(read(t, file)), &content); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	if !strings.Contains(read(t, ".github/workflows/ci.yml"), "- run: .ci/run\n") {
		t.Error("the workflow does not call .ci/run")
	}
	bug := read(t, ".github/ISSUE_TEMPLATE/bug.yml")
	for _, want := range []string{"jobgen version", "SELECT version()", "jobs.yaml"} {
		if !strings.Contains(bug, want) {
			t.Errorf("the template for bugs does not ask for %s", want)
		}
	}
}
