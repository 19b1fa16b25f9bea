package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "write the verbs of docs/reference/command-line.md anew")

// verbs returns the commands that users give, in the order of the help.
func verbs() []*cobra.Command {
	root := rootCommand()
	root.InitDefaultCompletionCmd("completion")
	var list []*cobra.Command
	for _, cmd := range root.Commands() {
		if cmd.IsAvailableCommand() && cmd.Name() != "help" {
			list = append(list, cmd)
		}
	}
	return list
}

func TestCommandLinePageHoldsTheHelpOfEachVerb(t *testing.T) {
	t.Parallel()
	const begin, end = "<!-- verbs -->\n", "<!-- /verbs -->\n"
	path := filepath.Join("..", "..", "docs", "reference", "command-line.md")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(data), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("docs/reference/command-line.md has no part between %q and %q", begin, end)
	}
	var b strings.Builder
	for _, cmd := range verbs() {
		var help bytes.Buffer
		if code := run(t.Context(), []string{cmd.Name(), "--help"}, &help, &help); code != exitDone {
			t.Fatalf("jobgen %s --help exits with %d", cmd.Name(), code)
		}
		fmt.Fprintf(&b, "\n## jobgen %s\n\n%s.\n\n```text\n%s```\n", cmd.Name(), strings.TrimSuffix(cmd.Short, "."), help.String())
	}
	b.WriteString("\n")
	want := before + begin + b.String() + end + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(string(data), want); d != "" {
		t.Errorf("docs/reference/command-line.md is stale: run go test ./cmd/jobgen -run CommandLinePage -update (-have +want):\n%s", d)
	}
}

func TestEachVerbHasHelpAndAnExample(t *testing.T) {
	t.Parallel()
	for _, cmd := range verbs() {
		if cmd.Short == "" || cmd.Long == "" {
			t.Errorf("jobgen %s says nothing of itself", cmd.Name())
		}
		if cmd.Name() != "completion" && !strings.Contains(cmd.Example, "jobgen") {
			t.Errorf("jobgen %s has no example", cmd.Name())
		}
	}
}

// The stories show what each verb does.
func TestEachVerbHasAStory(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	withDatabase, err := filepath.Glob(filepath.Join("testdata", "postgres", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range append(files, withDatabase...) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	for _, cmd := range verbs() {
		if !strings.Contains(all.String(), "\nexec jobgen "+cmd.Name()) {
			t.Errorf("no story runs jobgen %s", cmd.Name())
		}
	}
}
