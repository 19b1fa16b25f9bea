package pgtest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// fetchedFolder is where what was fetched lies in the cache. Its name is that of
// the version, which the fetcher knows; see fetch/main.go.
const fetchedFolder = "postgres-18"

// fetched returns the programs' folder in the cache, and fetches them first if
// they are not there. Processes that need them at once fetch them once.
func fetched() (string, error) {
	cache, err := cacheFolder()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	lock, err := os.Create(filepath.Join(cache, "lock"))
	if err != nil {
		return "", err
	}
	defer lock.Close() // which unlocks it
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	home := filepath.Join(cache, fetchedFolder)
	if _, err := os.Stat(home); err != nil {
		if err := fetch(home); err != nil {
			return "", err
		}
	}
	bin := filepath.Join(home, "bin")
	if _, _, err := version(bin); err != nil {
		return "", fmt.Errorf("use the PostgreSQL fetched into %s: %w", home, err)
	}
	return bin, nil
}

// cacheFolder is in the user's cache, or, where the user is root and the
// server's user cannot look into that, in the machine's.
func cacheFolder() (string, error) {
	cache, err := os.UserCacheDir()
	if lesserUser() != nil && (err != nil || !open(filepath.Dir(cache), 0o001)) {
		return "/var/cache/jobgen", nil
	}
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "jobgen"), nil
}

// fetch has the fetcher, a module beside this package, put PostgreSQL into home.
func fetch(home string) error {
	folder, err := goCommand("list", "-f", "{{.Dir}}", "github.com/jobgen/jobgen/internal/test/pgtest")
	if err == nil {
		_, err = goCommand("run", "-C", filepath.Join(strings.TrimSpace(folder), "fetch"), ".", home)
	}
	return err
}

func goCommand(args ...string) (string, error) {
	command := exec.Command("go", args...)
	command.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	var said bytes.Buffer
	command.Stderr = &said
	printed, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(said.Bytes()))
	}
	return string(printed), nil
}
