package main

import (
	_ "embed"
	"fmt"
	goversion "go/version"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/jobgen/jobgen/internal/cache"
	"github.com/jobgen/jobgen/internal/files"
	"github.com/jobgen/jobgen/internal/report"
)

const (
	modulePath = "github.com/jobgen/jobgen"
	toolPath   = modulePath + "/cmd/jobgen"
)

//go:embed starter/jobs.yaml
var starterYAML string

//go:embed starter/main.go.txt
var starterMain string

func initCommand(format *report.Format) *cobra.Command {
	return &cobra.Command{
		Use:   "init [module]",
		Short: "Create a first jobs.yaml and a program that runs",
		Long: `Init creates all that a first job needs, at the root of the Go module that the
working directory is in: a commented jobs.yaml with its schema for editors, the
generated code, a program that enqueues and handles the job, and the tool directive
in go.mod. Then it runs go mod tidy. If there is no module, it creates one with the
name that it is given.

The program is main.go, or cmd/worker/main.go in a module that has Go files at its
root. Init leaves existing files alone. If jobs.yaml exists, it writes nothing.`,
		Example: "  # in an empty folder\n" +
			"  go run " + toolPath + "@latest init example.com/shop\n\n" +
			"  # in a Go module\n" +
			"  go run " + toolPath + "@latest init",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := newStart(args)
			if err != nil {
				return err
			}
			return s.write(cmd, *format)
		},
	}
}

// A start is what init begins with.
type start struct {
	root   string // of the module
	module string // its path
	isNew  bool   // there is no go.mod yet
}

// newStart finds out where to begin. An error means that nothing is to be written.
func newStart(args []string) (start, error) {
	wd, err := os.Getwd()
	if err != nil {
		return start{}, err
	}
	s := start{}
	if s.root, s.module, err = files.Module(wd); err != nil {
		return start{}, err
	}
	switch {
	case s.root == "" && len(args) == 0:
		return start{}, &inputError{fmt.Errorf("there is no go.mod in %s or above it: name the module to make, as in jobgen init example.com/shop", wd)}
	case s.root == "":
		s = start{root: wd, module: args[0], isNew: true}
		if err := module.CheckImportPath(s.module); err != nil {
			return start{}, &inputError{err}
		}
	case len(args) > 0 && args[0] != s.module:
		return start{}, &inputError{fmt.Errorf("%s is the module %s already: leave %s out", shorten(s.root), s.module, args[0])}
	}
	jobs := filepath.Join(s.root, defaultFile)
	if _, err := os.Lstat(jobs); err == nil {
		return start{}, &inputError{fmt.Errorf("%s already exists; nothing was written", shorten(jobs))}
	}
	return s, nil
}

func (s start) write(cmd *cobra.Command, format report.Format) error {
	main, err := s.mainFile()
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if s.isNew {
		mod := fmt.Sprintf("module %s\n\ngo %s\n", modfile.AutoQuote(s.module), strings.TrimPrefix(goversion.Lang(runtime.Version()), "go"))
		if _, err := files.Create(filepath.Join(s.root, "go.mod"), []byte(mod)); err != nil {
			return err
		}
	}
	replaced, required, err := addTool(filepath.Join(s.root, "go.mod"))
	if err != nil {
		return err
	}
	fmt.Fprintln(out, shorten(filepath.Join(s.root, "go.mod")))
	text := strings.NewReplacer("MODULE", s.module, "NAME", path.Base(s.module))
	jobs := filepath.Join(s.root, defaultFile)
	for _, file := range []struct{ path, text string }{{jobs, starterYAML}, {main, starterMain}} {
		if file.path == "" {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(file.path), 0o777); err != nil {
			return err
		}
		created, err := files.Create(file.path, []byte(text.Replace(file.text)))
		if err != nil {
			return err
		}
		if created {
			fmt.Fprintln(out, shorten(file.path))
		}
	}
	if err := generate(cmd, format, jobs, cache.OfUser()); err != nil {
		return err
	}
	if replaced != "" {
		fmt.Fprintf(out, "\nThis jobgen is not a release. go.mod replaces it with %s: do not commit that.\n", replaced)
	}
	if !required {
		_, err = fmt.Fprintf(out, "\nNext: go get -tool %s && go mod tidy\n", toolPath)
		return err
	}
	if err := s.tidy(cmd.ErrOrStderr()); err != nil {
		return fmt.Errorf("go mod tidy: %w; all files are written, so run it again", err)
	}
	if main == "" {
		_, err = fmt.Fprint(out, "\nNext: write handlers, and //go:generate go tool jobgen generate above one of them\n")
		return err
	}
	program := filepath.ToSlash(shorten(filepath.Dir(main)))
	if !strings.HasPrefix(program, ".") {
		program = "./" + program
	}
	_, err = fmt.Fprintf(out, "\nNext: go run %s ada@mail.example\n", program)
	return err
}

// mainFile returns where the program goes, or "" where there is no place for it.
func (s start) mainFile() (string, error) {
	for _, dir := range []string{".", filepath.Join("cmd", "worker")} {
		sources, err := filepath.Glob(filepath.Join(s.root, dir, "*.go"))
		if err != nil {
			return "", err
		}
		if len(sources) == 0 {
			return filepath.Join(s.root, dir, "main.go"), nil
		}
	}
	return "", nil
}

// tidy has the go command complete go.mod and go.sum.
func (s start) tidy(stderr io.Writer) error {
	tidy := exec.Command("go", "mod", "tidy")
	tidy.Dir, tidy.Stderr = s.root, stderr
	return tidy.Run()
}

// addTool adds the tool directive to a go.mod that does not have it, and the
// requirement of the module: of the version that this is, or of the clone that
// this was built in, which it returns. Required says that there is one.
func addTool(path string) (replaced string, required bool, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", false, err
	}
	mod, err := modfile.Parse(path, data, nil)
	if err != nil {
		return "", false, &inputError{err}
	}
	required = mod.Module.Mod.Path == modulePath
	for _, r := range mod.Require {
		required = required || r.Mod.Path == modulePath
	}
	if err := mod.AddTool(toolPath); err != nil {
		return "", required, err
	}
	if !required {
		info, _ := debug.ReadBuildInfo()
		v := released(info)
		if clone := cloneRoot(); clone != "" {
			replaced, v = clone, "v0.0.0"
			if err := mod.AddReplace(modulePath, "", clone, ""); err != nil {
				return "", false, err
			}
		}
		if v != "" {
			if err := mod.AddRequire(modulePath, v); err != nil {
				return "", false, err
			}
			required = true
		}
	}
	mod.Cleanup()
	formatted, err := mod.Format()
	if err != nil {
		return "", required, err
	}
	_, err = files.Write(path, formatted)
	return replaced, required, err
}

// released returns the version of a build from a module, or "".
func released(info *debug.BuildInfo) string {
	if info == nil || info.Main.Path != modulePath || !semver.IsValid(info.Main.Version) || strings.Contains(info.Main.Version, "+dirty") {
		return ""
	}
	return info.Main.Version
}

// cloneRoot returns the clone that this program was built in, or "" where it was
// built from the module cache, or the clone is gone.
func cloneRoot() string {
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) || strings.Contains(filepath.ToSlash(file), "@v") {
		return ""
	}
	root, path, err := files.Module(filepath.Dir(file))
	if err != nil || path != modulePath {
		return ""
	}
	return root
}
