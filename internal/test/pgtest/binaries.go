package pgtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// oldest is the first major version that jobgen supports.
const oldest = 15

// folders are where PostgreSQL's programs are put by Debian, Red Hat, its own
// installation, Homebrew on either processor, and Postgres.app.
var folders = []string{
	"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin",
	"/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

// binaries returns the folder of the newest PostgreSQL on the machine, or of
// the one in the cache, which it fetches if it has to.
func binaries() (string, error) {
	if found := newest(candidates()); found != "" {
		return found, nil
	}
	return fetched()
}

// candidates are folders that may hold PostgreSQL's programs.
func candidates() []string {
	list := filepath.SplitList(os.Getenv("PATH"))
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		list = append(list, strings.TrimSpace(string(out)))
	}
	for _, pattern := range folders {
		matches, _ := filepath.Glob(pattern) // the patterns are good
		list = append(list, matches...)
	}
	return list
}

// newest returns the folder with the highest version of PostgreSQL, or "".
func newest(list []string) string {
	var best string
	var bestMajor, bestMinor int
	seen := map[string]bool{}
	for _, dir := range list {
		program, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
		if err != nil || seen[program] {
			continue
		}
		seen[program] = true
		dir = filepath.Dir(program) // initdb looks for its neighbours there
		major, minor, err := version(dir)
		if err == nil && major >= oldest && (major > bestMajor || major == bestMajor && minor > bestMinor) {
			best, bestMajor, bestMinor = dir, major, minor
		}
	}
	return best
}

// version asks both programs that a server needs, as the user who will run it.
func version(dir string) (major, minor int, err error) {
	for _, name := range []string{"initdb", "postgres"} {
		command := exec.Command(filepath.Join(dir, name), "--version")
		command.SysProcAttr, command.Dir = serverUser(), "/"
		out, err := command.Output()
		if err != nil {
			return 0, 0, fmt.Errorf("%s: %w", command, err)
		}
		// Before its release a version is 19beta1, without a minor number.
		_, number, _ := strings.Cut(string(out), ") ")
		if n, err := fmt.Sscanf(number, "%d.%d", &major, &minor); n == 0 {
			return 0, 0, fmt.Errorf("%s says %q: %w", command, out, err)
		}
	}
	return major, minor, nil
}
