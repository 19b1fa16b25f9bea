package main

import (
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jobgen/jobgen/internal/schema"
)

// completeFile completes the name of a jobs.yaml, which is the only argument.
func completeFile(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
}

// completeJobs completes the names of the jobs in the file that the flag named,
// or in the nearest, each with the first line of its documentation. A file with
// mistakes has names too.
func completeJobs(path *string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		var files []string
		if *path != "" {
			files = []string{*path}
		}
		found, err := findFile(files)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		src, err := os.ReadFile(found)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		file, _ := schema.Parse(found, src)
		if file == nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for _, job := range file.Jobs {
			if !slices.Contains(args, job.Type.Value) {
				names = append(names, cobra.CompletionWithDesc(job.Type.Value, firstLine(job.Doc)))
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// firstLine returns the first line of a doc comment.
func firstLine(doc string) string {
	line, _, _ := strings.Cut(doc, "\n")
	return line
}

// firstOnly completes the first argument and no other.
func firstOnly(complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(cmd, args, begun)
	}
}

// completeFileFlag completes the flag that names a jobs.yaml.
func completeFileFlag(cmd *cobra.Command) {
	_ = cmd.MarkFlagFilename("file", "yaml", "yml") // the flag is there
}
