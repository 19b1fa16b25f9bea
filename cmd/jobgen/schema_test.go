package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
)

// thirdparty is the module of the tests that need what others wrote.
var thirdparty = filepath.Join("..", "..", "internal", "test", "thirdparty")

// fits DIR FILE asks that each line of a file, a job's name and its payload,
// fits the job's schema in a folder, and that each schema there is used.
func fits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: fits DIR FILE")
	}
	command := exec.Command("go", "run", "-C", thirdparty, "./fits", ts.MkAbs(args[0]), schemaSuffix, ts.MkAbs(args[1]))
	command.Env = append(os.Environ(), "GOWORK=off")
	if said, err := command.CombinedOutput(); err != nil {
		ts.Fatalf("%v: %s", err, bytes.TrimSpace(said))
	}
}
