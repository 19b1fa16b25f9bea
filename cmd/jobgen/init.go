package main

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"

	"github.com/jobgen/jobgen/internal/files"
)

const (
	modulePath = "github.com/jobgen/jobgen"
	toolPath   = modulePath + "/cmd/jobgen"
)

//go:embed starter.yaml
var starter string

const directive = `package jobs

//go:generate go tool jobgen generate
`

func initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init",
		Short: "Create a first jobs.yaml",
		Long: `Init writes a commented jobs.yaml at the root of the Go module that the working
directory is in, a Go file with the go:generate line, and the tool directive in
go.mod. A file that is there already is left alone; when jobs.yaml is, nothing is
written.`,
		Example: "  go run " + toolPath + "@latest init",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			wd, err := os.Getwd()
			if err != nil {
				return err
			}
			root, module, err := files.Module(wd)
			if err != nil {
				return err
			}
			if root == "" {
				return &inputError{fmt.Errorf("there is no go.mod in %s or above it: create one first, as in go mod init example.com/shop", wd)}
			}
			path := filepath.Join(root, defaultFile)
			if _, err := os.Lstat(path); err == nil {
				return &inputError{fmt.Errorf("%s already exists; nothing was written", shorten(path))}
			}
			info, _ := debug.ReadBuildInfo()
			changed, required, err := addTool(filepath.Join(root, "go.mod"), info)
			if err != nil {
				return err
			}
			generate := filepath.Join(root, "gen", "jobs", "generate.go")
			if err := os.MkdirAll(filepath.Dir(generate), 0o777); err != nil {
				return err
			}
			for _, file := range []struct{ path, text string }{
				{path, strings.ReplaceAll(starter, "MODULE", module)},
				{generate, directive},
			} {
				created, err := files.Create(file.path, []byte(file.text))
				if err != nil {
					return err
				}
				if created {
					changed = append(changed, file.path)
				}
			}
			out := cmd.OutOrStdout()
			for _, path := range changed {
				fmt.Fprintln(out, shorten(path))
			}
			if !required {
				fmt.Fprintf(out, "\nThen: go get %s\n", modulePath)
			}
			_, err = fmt.Fprint(out, "\nNext: go mod tidy && go generate ./... && go mod tidy\n")
			return err
		},
	}
}

// addTool adds the tool directive to a go.mod, and, when info says which
// released version this is, its requirement. It returns the file if it changed,
// and whether the module is required now.
func addTool(path string, info *debug.BuildInfo) (changed []string, required bool, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, false, err
	}
	mod, err := modfile.Parse(path, data, nil)
	if err != nil {
		return nil, false, &inputError{err}
	}
	required = mod.Module.Mod.Path == modulePath
	for _, r := range mod.Require {
		required = required || r.Mod.Path == modulePath
	}
	if err := mod.AddTool(toolPath); err != nil {
		return nil, required, err
	}
	if v := released(info); !required && v != "" {
		if err := mod.AddRequire(modulePath, v); err != nil {
			return nil, required, err
		}
		required = true
	}
	mod.Cleanup()
	formatted, err := mod.Format()
	if err != nil {
		return nil, required, err
	}
	if written, err := files.Write(path, formatted); !written || err != nil {
		return nil, required, err
	}
	return []string{path}, required, nil
}

// released returns the version of a build from a module, or "".
func released(info *debug.BuildInfo) string {
	if info == nil || info.Main.Path != modulePath || !semver.IsValid(info.Main.Version) || strings.Contains(info.Main.Version, "+dirty") {
		return ""
	}
	return info.Main.Version
}
