package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/jobgen/jobgen/internal/cache"
	"github.com/jobgen/jobgen/internal/report"
)

// watchInterval is how often a watched file is read. Reading it finds what the
// file systems of containers and network shares tell nobody of, and a file that
// an editor replaced, for some microseconds of work.
const watchInterval = 250 * time.Millisecond

// watchFile generates the code of the file at path, and again with each tick
// that finds another content, until the command's context ends. Mistakes in
// the file are reported and waited out; it returns an error only where what it
// has to say cannot be said.
func watchFile(cmd *cobra.Command, format report.Format, path string, kept cache.Cache, ticks <-chan time.Time) error {
	if format == report.Text {
		fmt.Fprintf(cmd.OutOrStdout(), "watching %s; interrupt to stop\n", path)
	}
	var last []byte
	missing := false
	for {
		src, err := os.ReadFile(path)
		switch {
		case err == nil && len(src) == 0:
			// An editor is about to write it.
		case err == nil && (last == nil || missing || !bytes.Equal(src, last)):
			last, missing = append([]byte{}, src...), false
			if err := generate(cmd, format, path, kept); err != nil && !errors.Is(err, errReported) && cmd.Context().Err() == nil {
				fmt.Fprintln(cmd.ErrOrStderr(), "jobgen:", err)
			}
		case err != nil && !missing:
			missing = true
			fmt.Fprintln(cmd.ErrOrStderr(), "jobgen:", err)
		}
		select {
		case <-cmd.Context().Done():
			return nil
		case <-ticks:
		}
	}
}
