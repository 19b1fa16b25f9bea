// Command jobgen generates typed Go from a jobs.yaml.
//
//	jobgen generate [jobs.yaml]   write the code
//	jobgen check [jobs.yaml]      say whether the code is current
//	jobgen breaking [jobs.yaml]   report breaking changes
//	jobgen prune [jobs.yaml]      drop payload versions that no job waits with
//	jobgen explain [job]...       say what each job will do, and why
//	jobgen fmt [jobs.yaml]...     format the file
//	jobgen init                   create a first jobs.yaml and a program
//	jobgen roles                  print the SQL for PostgreSQL roles
//	jobgen schema [job]           print JSON Schema of jobs.yaml or of a payload
//	jobgen version                print the version
//
// Without a file it takes the jobs.yaml of the working directory or of the
// nearest directory above it in the module, so one line in any package does:
//
//	//go:generate go tool jobgen generate
//
// It exits with 0 when done, 1 when the input is wrong or the code stale, and 2
// when jobgen itself could not do its work.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/jobgen/jobgen/internal/report"
	"github.com/jobgen/jobgen/internal/revision"
)

// Exit codes.
const (
	exitDone  = 0
	exitInput = 1 // the input is wrong, or the generated code stale
	exitTool  = 2 // jobgen could not do its work
)

func main() {
	if os.Getenv("GOGC") == "" {
		// A run is over in less than a second: memory is cheaper than collecting it.
		debug.SetGCPercent(400)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var input *inputError
	var usage *revision.UsageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errReported):
		return exitInput
	case errors.As(err, &input), errors.As(err, &usage):
		fmt.Fprintln(stderr, "jobgen:", err)
		return exitInput
	default:
		fmt.Fprintln(stderr, "jobgen:", err)
		return exitTool
	}
}

// An inputError is for the user to put right.
type inputError struct{ err error }

func (e *inputError) Error() string { return e.err.Error() }
func (e *inputError) Unwrap() error { return e.err }

// errReported says that what is wrong has been printed already.
var errReported = errors.New("reported")

// fail reports problems and returns errReported, or why it could not.
func fail(cmd *cobra.Command, format report.Format, problems []report.Problem) error {
	if err := report.Write(cmd.OutOrStdout(), cmd.ErrOrStderr(), format, problems); err != nil {
		return err
	}
	return errReported
}

// say tells a person something beside the result, in any format.
func say(cmd *cobra.Command, format string, args ...any) {
	fmt.Fprintf(cmd.ErrOrStderr(), "jobgen: "+format+"\n", args...)
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "jobgen",
		Short: "Generate typed Go jobs from jobs.yaml",
		Long: `jobgen reads a jobs.yaml and generates the typed Go that enqueues and handles
its jobs.

It exits with 0 when done, with 1 when the input is wrong or the generated code
is stale, and with 2 when jobgen itself could not do its work.`,
		Example:       "  jobgen generate\n  jobgen check --format github",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	format := report.Text
	root.PersistentFlags().Var(&format, "format", "how mistakes are reported: "+strings.Join(report.Formats(), ", "))
	_ = root.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(report.Formats(), cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	root.AddCommand(generateCommand(&format), checkCommand(&format), breakingCommand(&format), pruneCommand(&format), explainCommand(&format), fmtCommand(&format),
		initCommand(&format), rolesCommand(), schemaCommand(&format), versionCommand())
	return root
}
