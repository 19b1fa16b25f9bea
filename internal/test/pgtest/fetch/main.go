// Command fetch puts the programs of a PostgreSQL server into a folder, whole
// or not at all. It is in a module of its own, so that the library which
// fetches is not in the module graph of jobgen's users; package pgtest runs it.
//
//	go run -C internal/test/pgtest/fetch . FOLDER
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// version is what is fetched.
const version = embeddedpostgres.V18

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: fetch FOLDER")
		os.Exit(2)
	}
	if err := fetch(os.Args[1]); err != nil {
		fmt.Fprintf(os.Stderr, "fetch PostgreSQL %s into %s: %v\n", version, os.Args[1], err)
		os.Exit(1)
	}
}

// fetch puts PostgreSQL's files into home. Nobody else may do so at the time.
//
// The library fetches on the way to a server of its own. That server is not
// wanted, and not possible for root, so it is given a locale that does not
// exist and ends at initdb. It empties the data folder just before that: a
// mark that has gone from there says that the files are complete.
func fetch(home string) (err error) {
	work := filepath.Join(filepath.Dir(home), "fetching")
	if err := os.RemoveAll(work); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	files, data := filepath.Join(work, "postgres"), filepath.Join(work, "data")
	if err := os.MkdirAll(filepath.Join(data, "mark"), 0o755); err != nil {
		return err
	}
	library := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		Version(version).
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
