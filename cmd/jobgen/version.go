package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of jobgen",
		Long: `Version prints the version of jobgen's module, or the commit if it was built from
a work tree, and the version of Go that it was built with.`,
		Example: "  go tool jobgen version",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), version(debug.ReadBuildInfo()))
			return err
		},
	}
}

// version says what the go command knows of this build.
func version(info *debug.BuildInfo, ok bool) string {
	if !ok {
		return "jobgen, version unknown: it was built without modules"
	}
	text := "jobgen " + info.Main.Version
	if info.Main.Version == "" {
		text = "jobgen (devel)"
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			text += " " + s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			text += " modified"
		}
	}
	return text + " " + info.GoVersion
}
