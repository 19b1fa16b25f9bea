package revision

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jobgen/jobgen/internal/files"
	"github.com/jobgen/jobgen/internal/lock"
)

// A git asks git about the repository that a directory is in.
type git struct{ dir string }

// A gitError is what git says where it fails.
type gitError struct {
	command string // "rev-parse"
	message string
	err     error
}

func (e *gitError) Error() string { return fmt.Sprintf("git %s: %s", e.command, e.message) }
func (e *gitError) Unwrap() error { return e.err }

// run returns what git prints. An error is a gitError.
func (g git) run(ctx context.Context, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, "git", append([]string{"-C", g.dir}, args...)...)
	// Its messages are told apart by their text.
	command.Env = append(os.Environ(), "LC_ALL=C", "LANGUAGE=C")
	var stderr strings.Builder
	command.Stderr = &stderr
	out, err := command.Output()
	if err == nil {
		return out, nil
	}
	message := strings.TrimSpace(stderr.String())
	if message == "" {
		message = err.Error()
	}
	return nil, &gitError{command: args[0], message: message, err: err}
}

// says reports whether err is a message of git that contains text.
func says(err error, text string) bool {
	var failed *gitError
	return errors.As(err, &failed) && strings.Contains(failed.message, text)
}

// expected returns what shows that there is a repository around the directory,
// or "" where nothing does.
func (g git) expected() (string, error) {
	if os.Getenv("GIT_DIR") != "" {
		return "GIT_DIR is set", nil
	}
	dir, err := filepath.Abs(g.dir)
	if err != nil {
		return "", err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil { // as git sees it
		return "", err
	}
	for above := range files.Above(dir) {
		path := filepath.Join(above, ".git")
		if _, err := os.Lstat(path); err == nil {
			return "there is a " + path, nil
		}
	}
	return "", nil
}

// blob returns the content of the file called name in the directory at commit,
// or nil where the commit does not have it.
func (g git) blob(ctx context.Context, commit, name string) ([]byte, error) {
	out, err := g.run(ctx, "ls-tree", "-z", commit, "./"+name)
	if err != nil || len(out) == 0 {
		return nil, err
	}
	meta, _, _ := bytes.Cut(out, []byte("\t"))
	fields := strings.Fields(string(meta)) // mode, type, object
	if len(fields) != 3 || fields[1] != "blob" || fields[0] == "120000" {
		return nil, usage("%s of commit %s is not a file", name, short(commit))
	}
	out, err = g.run(ctx, "cat-file", "blob", fields[2])
	if out == nil && err == nil {
		out = []byte{}
	}
	return out, err
}

func short(commit string) string { return commit[:min(len(commit), 10)] }

// base returns the base of the file at path in a commit, which ref names, or
// nil where the commit does not have the file.
func (g git) base(ctx context.Context, path, ref, commit string) (*Base, error) {
	name := filepath.Base(path)
	src, err := g.blob(ctx, commit, name)
	if src == nil || err != nil {
		return nil, err
	}
	locked, err := g.blob(ctx, commit, lock.Path(name)) // which may be younger than the file
	if err != nil {
		return nil, err
	}
	return parse(ref+":"+path, fmt.Sprintf("%s (%s)", ref, short(commit)), src, locked)
}

// Changed returns when the file at path got its content: the time of the last
// commit that changed it, or, where no commit has it as it is, of the file.
func Changed(ctx context.Context, path string) (time.Time, error) {
	g, name := git{filepath.Dir(path)}, "./"+filepath.Base(path)
	if out, err := g.run(ctx, "status", "--porcelain", "--ignored", "--", name); err == nil && len(out) == 0 {
		out, err := g.run(ctx, "log", "-1", "--no-show-signature", "--format=%ct", "--", name)
		if seconds, parsed := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64); err == nil && parsed == nil {
			return time.Unix(seconds, 0), nil
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// inCommit returns the base in the commit that ref names.
func inCommit(ctx context.Context, path, ref string) (*Base, error) {
	if ref == "" || strings.HasPrefix(ref, "-") {
		return nil, usage("--against %s%s: name a commit, as in git:HEAD or git:origin/main", gitPrefix, ref)
	}
	g := git{filepath.Dir(path)}
	out, err := g.run(ctx, "rev-parse", "--verify", ref+"^{commit}")
	if err != nil {
		hint := ""
		if shallow, _ := g.run(ctx, "rev-parse", "--is-shallow-repository"); strings.TrimSpace(string(shallow)) == "true" {
			hint = "the clone is shallow and may lack the commit, fetch it first: "
		}
		return nil, fmt.Errorf("--against %s%s: %s%w", gitPrefix, ref, hint, err)
	}
	base, err := g.base(ctx, path, ref, strings.TrimSpace(string(out)))
	if err != nil {
		return nil, fmt.Errorf("--against %s%s: %w", gitPrefix, ref, err)
	}
	if base == nil {
		return nil, usage("--against %s%s: the commit has no %s", gitPrefix, ref, path)
	}
	return base, nil
}

// inHead returns the base in the last commit, or, where there is none, why.
func inHead(ctx context.Context, path string) (base *Base, missing string, err error) {
	g := git{filepath.Dir(path)}
	fail := func(err error) (*Base, string, error) {
		return nil, "", fmt.Errorf("find what to compare %s with (--against names it): %w", path, err)
	}
	expected, err := g.expected()
	if err != nil {
		return fail(err)
	}
	if _, err := exec.LookPath("git"); err != nil {
		if expected == "" {
			return nil, "it is not in a git repository", nil
		}
		return fail(fmt.Errorf("%s, but git cannot be run: %w", expected, err))
	}
	if _, err := g.run(ctx, "rev-parse", "--git-dir"); err != nil {
		switch {
		case expected == "" && says(err, "not a git repository"):
			return nil, "it is not in a git repository", nil
		case expected != "":
			err = fmt.Errorf("%s, but %w", expected, err)
		}
		return fail(err)
	}
	out, err := g.run(ctx, "log", "-1", "--no-show-signature", "--format=%H")
	if err != nil {
		if says(err, "does not have any commits yet") {
			return nil, "the git repository has no commit", nil
		}
		return fail(err)
	}
	base, err = g.base(ctx, path, "HEAD", strings.TrimSpace(string(out)))
	var wrong *UsageError
	switch {
	case errors.As(err, &wrong):
		return nil, "", err
	case err != nil:
		return fail(err)
	case base == nil:
		return nil, "the last commit does not have it", nil
	}
	return base, "", nil
}
