package repo_test

import (
	"fmt"
	"os"
	"sync"
)

// root is the repository's root, where the tests run and from which they name
// files.
var root = func() string {
	err := os.Chdir("../../..")
	dir, wdErr := os.Getwd()
	if err != nil || wdErr != nil {
		fmt.Fprintln(os.Stderr, err, wdErr)
		os.Exit(2)
	}
	return dir
}()

// atRoot is called before the first file is opened. The go command repeats a
// test whose files have changed, and learns of files, and of the folder that
// their names start from, only while tests run: without this it would look for
// docs/README.md in this folder, find it missing both times, and take the
// result from its cache whatever has become of the document.
var atRoot = sync.OnceFunc(func() {
	if err := os.Chdir(root); err != nil {
		panic(err)
	}
})
