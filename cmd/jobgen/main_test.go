package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"jobgen": main})
}

// TestStories runs the stories that need nothing but the go command.
func TestStories(t *testing.T) {
	t.Parallel()
	testscript.Run(t, params(t, "testdata", nil))
}

// params returns how the stories in dir are run, with further environment.
func params(t *testing.T, dir string, env map[string]string) testscript.Params {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	jobgen, err := exec.LookPath("jobgen") // testscript.Main puts it there
	if err != nil {
		t.Fatal(err)
	}
	goEnv := goEnvironment(t)
	return testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("JOBGEN_UPDATE_STORIES") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("JOBGEN", root)
			e.Setenv("CR", "\r")
			e.Setenv("JOBGEN_BIN", filepath.Dir(jobgen)) // jobgen and nothing else
			home := filepath.Join(e.WorkDir, ".home")    // jobgen keeps its cache there
			for _, name := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} {
				e.Setenv(name, home)
			}
			for name, value := range goEnv {
				e.Setenv(name, value)
			}
			for name, value := range env {
				e.Setenv(name, value)
			}
			sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(e.WorkDir, "go.sum"), sum, 0o666)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "jobs": manyJobs, "fits": fits},
	}
}

// goEnvironment lets the go command of a story use the caches of this one, and
// change its own go.mod.
func goEnvironment(t *testing.T) map[string]string {
	t.Helper()
	// A build leaves out of the cache what it has no use for, such as modules
	// for another system, whose go.mod is read all the same.
	_ = exec.Command("go", "mod", "download").Run()
	out, err := exec.Command("go", "env", "-json", "GOCACHE", "GOMODCACHE", "GOROOT").Output()
	if err != nil {
		t.Fatalf("go env: %v", err)
	}
	env := map[string]string{}
	if err := json.Unmarshal(out, &env); err != nil {
		t.Fatalf("go env: %v", err)
	}
	// What this module was built with is all that a story needs. No proxy is
	// asked for jobgen itself, which the network may not have.
	cache := filepath.ToSlash(filepath.Join(env["GOMODCACHE"], "cache", "download"))
	env["GOPROXY"] = "file://" + cache
	env["GONOSUMDB"] = "*"
	env["GOFLAGS"] = "-mod=mod -buildvcs=false -ldflags=-w" // nobody debugs these, and linking takes most of their time
	env["GOTOOLCHAIN"] = "local"
	env["GOWORK"] = "off"
	return env
}

// exits CODE COMMAND… runs a command and asks for its exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if code != want {
		ts.Fatalf("%s exits with %d, want %d", strings.Join(args[1:], " "), code, want)
	}
}

// jobs COUNT FILE appends job types to a jobs.yaml.
func manyJobs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: jobs COUNT FILE")
	}
	count, err := strconv.Atoi(args[0])
	ts.Check(err)
	f, err := os.OpenFile(ts.MkAbs(args[1]), os.O_APPEND|os.O_WRONLY, 0)
	ts.Check(err)
	for i := range count {
		fmt.Fprintf(f, "  work%d: {queue: q, payload: {account_id: snowflake, note: string}}\n", i)
	}
	ts.Check(f.Close())
}

func TestVersionSaysWhatTheGoCommandKnows(t *testing.T) {
	t.Parallel()
	for want, info := range map[string]*debug.BuildInfo{
		"jobgen (devel) sha256 1a2b go1.26": {GoVersion: "go1.26", Main: debug.Module{Version: "(devel)"}},
		"jobgen v1.2.3 go1.26":              {GoVersion: "go1.26", Main: debug.Module{Version: "v1.2.3"}},
		"jobgen (devel) abc modified go1.26": {GoVersion: "go1.26", Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"},
		}},
	} {
		if have := version(info, true, "1a2b"); have != want {
			t.Errorf("version %q, want %q", have, want)
		}
	}
	if have := version(nil, false, "1a2b"); !strings.Contains(have, "unknown") {
		t.Errorf("version %q without build information", have)
	}
}
