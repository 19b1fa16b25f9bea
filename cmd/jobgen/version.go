package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of jobgen",
		Long: `Version prints the version of jobgen's module, or the commit if it was built from
a work tree, and the version of Go that it was built with. A build that knows
neither has the beginning of the program's SHA-256 instead.`,
		Example: "  go tool jobgen version",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			info, ok := debug.ReadBuildInfo()
			_, err := fmt.Fprintln(cmd.OutOrStdout(), version(info, ok, programSum()))
			return err
		},
	}
}

// version says what the go command knows of this build.
//
// Without a version and a commit, as of a clone whose build leaves the commit out,
// the checksum of the program tells builds apart.
func version(info *debug.BuildInfo, ok bool, sum string) string {
	if !ok {
		return "jobgen, version unknown: it was built without modules; sha256 " + sum
	}
	text := "jobgen " + info.Main.Version
	devel := info.Main.Version == "" || info.Main.Version == "(devel)"
	if devel {
		text = "jobgen (devel)"
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			text += " " + s.Value
			devel = false
		case s.Key == "vcs.modified" && s.Value == "true":
			text += " modified"
		}
	}
	if devel {
		text += " sha256 " + sum
	}
	return text + " " + info.GoVersion
}

// programSum returns the beginning of the checksum of this program, "unknown"
// where it cannot be read.
func programSum() string {
	path, err := os.Executable()
	if err != nil {
		return "unknown"
	}
	f, err := os.Open(path)
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "unknown"
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}
